"""A recording that lies in a file outlives the worker that decodes it: it begins anew with the next one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from auricle_server.gateway.errors import NotReady, WorkerLost

log = logging.getLogger(__name__)

_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds after which a recording begins anew when its worker is lost."""
_T = TypeVar("_T")


async def outlive_workers(attempt: Callable[[], Awaitable[_T]], *, again: bool = True) -> _T:
    """What an attempt returns that no loss of a worker has ended.

    Args:
        attempt: Transcribes the recording from its beginning.
        again: Whether it may begin anew; not where a part of the answer has been sent.

    Raises:
        Refusal: The attempt has failed otherwise, or no worker has come in time.
    """
    lost = False
    for pause in _PAUSES:
        try:
            return await attempt()
        except NotReady as refusal:
            lost |= isinstance(refusal, WorkerLost)
            if not (lost and again):
                raise
        log.info("worker lost, recording begins anew in %g s", pause)
        await asyncio.sleep(pause)
    return await attempt()
