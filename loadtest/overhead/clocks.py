"""Clocks that tell the same times in every run, so that instruction counts do not depend on how fast the machine is.

A histogram that searches its buckets, a rate limit or a minute that ends take other paths at other times; with these
clocks each call is 12 ms after the one before, in all variants.
"""

import threading
import time
from itertools import count
from typing import SupportsIndex

STEP = 0.012
"""Seconds between two readings: no bucket bound is a multiple of it, so rounding cannot decide the bucket."""

EPOCH = 1_700_000_000.0
"""The fixed start of the wall clock, in seconds since 1970."""


def fix_clocks() -> None:
    """Replace the clocks and the sleep of `time`. Call it before anything imports one of them by name.

    `count().__next__` is a C function as the real clocks are, so a reading costs about what it costs in production.
    """
    nanoseconds = int(STEP * 1e9)
    time.sleep = _sleep
    time.time = count(EPOCH, STEP).__next__
    time.monotonic = count(1000.0, STEP).__next__
    time.perf_counter = count(1000.0, STEP).__next__
    time.process_time = count(1.0, STEP).__next__
    time.thread_time = count(1.0, STEP).__next__
    time.time_ns = count(int(EPOCH) * 10**9, nanoseconds).__next__
    time.monotonic_ns = count(10**12, nanoseconds).__next__
    time.perf_counter_ns = count(10**12, nanoseconds).__next__


def _sleep(_seconds: SupportsIndex | float) -> None:
    """Pass at once in the main thread; stop any other for good, for when it woke up would depend on real time."""
    if threading.current_thread() is not threading.main_thread():
        threading.Event().wait()
