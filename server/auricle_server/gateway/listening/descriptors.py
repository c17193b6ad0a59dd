"""The limit of open files of a process: each connection takes one."""

from __future__ import annotations

import logging
import os
import resource
import sys

log = logging.getLogger(__name__)

ENOUGH = 65_536
"""More open files than a gateway needs. The soft limit is not raised further: some libraries take time or memory for
each number up to it."""
_RESERVE = 64
_RESERVED_SHARE = 8


def raise_limit() -> int:
    """Raises this process's soft limit towards its hard one, which needs no rights; its children inherit it.

    Returns:
        The limit in force.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limit()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:  # a container may forbid it; the server runs with what it has
        log.warning("cannot raise the limit of open files from=%d to=%d: %s", soft, wanted, error)
    else:
        log.info("raised the limit of open files from=%d to=%d", soft, wanted)
    return limit()


def limit() -> int:
    """How many files this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def is_scarce(descriptor: int) -> bool:
    """Whether a descriptor is one of the last: those are for health checks, not for streams.

    The kernel gives out the lowest free number, so a high one says that those below are taken.
    """
    most = limit()
    return descriptor >= most - min(_RESERVE, most // _RESERVED_SHARE)


def are_scarce() -> bool:
    """Whether the next descriptor of this process would be one of the last."""
    try:
        probe = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    os.close(probe)
    return is_scarce(probe)
