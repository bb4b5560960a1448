"""Tests of the demo traffic."""
