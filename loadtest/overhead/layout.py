"""Average out where objects lie in memory, which every change to a program moves and which no change is about.

Three things in CPython make a request cheaper or dearer by where objects happen to lie, together by some 0.5 %:
glibc's `malloc` searches the holes that start-up left; the method cache of types is indexed by addresses and by
numbers given to types in order of use, and entries that collide push each other out; the allocator of small objects
pays when a request crosses the border of a pool. So holes are filled, and a count is taken in several layouts.
"""

import ctypes
from itertools import count

SIZES = (65536, 32768, 16384, 8192, 4096, 2048, 1024, 768, 512, 384, 256, 192, 128, 96, 64, 48, 32, 24)
"""Bytes, large to small: the halves of a hole too small for one size are filled by a later one."""

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # from glibc's malloc.h
_kept: list[object] = []


class _MallInfo(ctypes.Structure):
    """glibc's `struct mallinfo2`; `keepcost` is the size of the top chunk in bytes."""

    _fields_ = [
        *((name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")),
        *((name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")),
    ]


def fill_holes() -> int:
    """Allocate, and never free, until each size is served from the top of the C heap; return the number of holes.

    Does nothing (0) where the C library is not glibc ≥ 2.33.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        return 0
    for option in (M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD):
        libc.mallopt(option, 16 * 2**20)  # no trip to the kernel while counting
    libc.mallinfo2.restype = _MallInfo
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.malloc.restype = ctypes.c_void_p
    return sum(_fill(libc, size) for size in SIZES)


def _fill(libc: ctypes.CDLL, size: int) -> int:
    """Fill the holes of at least `size` bytes; a chunk that shrinks the top chunk was not in a hole."""
    top = libc.mallinfo2().keepcost
    for holes in count():
        libc.malloc(size)
        if libc.mallinfo2().keepcost != top:
            return holes
    return 0


def renumber_types() -> None:
    """Make every type take a new number in the method cache when it is next used. The code must be warmed up again."""
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(object))


def jolt(step: int) -> None:
    """Keep a few small objects of each size, another number at each step, so that pools are full at other moments."""
    _kept.extend(list(map(bytes, (size,) * ((step * 7 + size) % 13))) for size in range(16, 480, 16))
