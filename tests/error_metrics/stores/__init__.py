"""Stores that make one picture of several processes."""
