"""Events that a newer one of their kind replaces while they wait for somebody who reads slowly."""

from __future__ import annotations

from collections import deque
from typing import TypeVar

from auricle.protocol.server_messages import Interim
from auricle.protocol.signals import Signals

T = TypeVar("T")
REPLACEABLE: tuple[type, ...] = (Interim, Signals)
"""An interim has all the text of the one before it, and signals are of use mainly while they are new."""
CROWDED = 64
"""Events that may wait before signals are replaced, too: several seconds of them, so that a burst loses none."""


def drop_replaced(waiting: deque[T], event: object, kinds: tuple[type, ...] = REPLACEABLE) -> None:
    """Drops from a queue what a new event replaces: the last of its kind, if only others of `kinds` follow it.

    Args:
        waiting: The queue, oldest first, to which the event is about to be added.
        event: The new one; nothing is dropped for one that is none of `kinds`, nor for signals while there is room.
        kinds: What may be replaced.
    """
    if type(event) not in kinds or (isinstance(event, Signals) and len(waiting) < CROWDED):
        return
    # No more signals than that follow one another, as from then on each has replaced the one before it.
    for index in range(len(waiting) - 1, max(-1, len(waiting) - 2 - CROWDED), -1):
        kind = type(waiting[index])
        if kind is type(event):
            del waiting[index]
        if kind is type(event) or kind not in kinds:
            return
