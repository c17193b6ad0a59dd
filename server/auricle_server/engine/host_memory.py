"""How the C library's allocator serves an engine on a CPU: what a load frees goes back, what steps free is kept.

Settings of glibc (mallopt(3)) for the whole process; with another C library nothing is changed.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of glibc's parameters, from its malloc.h."""
_SMALL = 1 << 20
_LARGEST = 32 << 20
"""The largest value that glibc takes for `_MMAP_THRESHOLD` on 64-bit machines."""


@contextmanager
def loading() -> Iterator[None]:
    """Context in which a model is built.

    Inside, blocks of a megabyte and more go back to the system as soon as they are freed: unpacked weights, which are
    freed between packed ones that stay, otherwise leave gaps as large as the model. After it, freed memory is kept for
    the next step: to touch fresh pages costs a step of a small model a third of its time.
    """
    library = _glibc()
    if library is None:
        yield
        return
    library.mallopt(_MMAP_THRESHOLD, _SMALL)
    try:
        yield
    finally:
        library.malloc_trim(0)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST)
        library.mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)


def _glibc() -> ctypes.CDLL | None:
    """The C library where it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
