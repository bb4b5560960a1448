"""Files that are whole or not there: written beside, then put in place; and locked by the process that owns them.

A file of a store is lines: the head, the series, the events, and a checksum of all that.
"""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .codec import Head, Unreadable, decode_counts, decode_head, encode_head


class Contents(NamedTuple):
    """What is in a file; the lines are not decoded yet."""

    head: Head
    series: list[bytes]
    events: list[bytes]


def pack(head: Head, series: Sequence[bytes], events: Sequence[bytes]) -> bytes:
    """Return what a file holds."""
    lines = [encode_head(head, series=len(series), events=len(events)), *series, *events, b""]
    body = b"\n".join(lines)
    return body + b"%08x\n" % zlib.crc32(body)


def unpack(raw: bytes) -> Contents:
    """Return what `pack` was given.

    Raises:
        OtherVersion: another version wrote it.
        Unreadable: it is damaged, or not whole.
    """
    first = raw[: raw.find(b"\n") + 1]
    head = decode_head(first)  # another version may have another kind of checksum
    body, last = raw[:-9], raw[-9:]
    if last != b"%08x\n" % zlib.crc32(body):
        raise Unreadable("checksum")
    lines = body.split(b"\n")
    series, events = decode_counts(first)
    if len(lines) != series + events + 2:
        raise Unreadable("lines")
    return Contents(head, lines[1 : series + 1], lines[series + 1 : -1])


def put(path: Path, data: bytes, beside: Path) -> int:
    """Write a whole file `beside`, put it in place of what is there, and return its descriptor, which is locked.

    Its name is safe only after `sync_folder`.

    Raises:
        OSError: the disk is full, read-only or gone; what was there is as it was.
    """
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _write_all(file, data)
        os.fsync(file)
        beside.replace(path)
    except BaseException:
        os.close(file)
        with suppress(OSError):
            beside.unlink()
        raise
    return file


def sync_folder(folder: Path) -> None:
    """Make sure that names in a folder are on the disk.

    Raises:
        OSError: they are not.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lock_left(path: Path) -> int | None:
    """Return the descriptor of a file that no living process holds, locked; None if one does, or the file is gone."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_at(file, path):  # else it was replaced, or adopted, before the lock
            return file
    except BlockingIOError:
        pass
    os.close(file)
    return None


def is_at(file: int, path: Path) -> bool:
    """Tell whether the file that is open is still the one of this name."""
    try:
        named, opened = path.stat(), os.fstat(file)
    except FileNotFoundError:
        return False
    return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)


def set_aside(path: Path) -> Path | None:
    """Rename a damaged file, unless a living process holds it; return its new name."""
    file = lock_left(path)
    if file is None:
        return None
    try:
        aside = path.with_name(f"{path.name}.corrupt-{time.time_ns()}")
        path.rename(aside)
        return aside
    finally:
        os.close(file)


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Remove what was being written when its process ended."""
    for path in paths:
        file = lock_left(path)
        if file is not None:
            path.unlink(missing_ok=True)
            os.close(file)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
