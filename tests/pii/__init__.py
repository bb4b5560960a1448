"""A corpus of made-up secrets and of harmless look-alikes, and what of it comes through to where the service writes.

`python -m tests.pii` prints the report. A further sink is one class more in `sinks.py`.
"""
