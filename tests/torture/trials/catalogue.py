"""All trials of hostile clients by name, and the process that each runs in."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tests.torture.dialects.riva_fuzz import riva_fuzz
from tests.torture.dialects.slow_formats import slow_formats
from tests.torture.dialects.upload_fuzz import upload_fuzz
from tests.torture.dialects.websocket_fuzz import websocket_fuzz
from tests.torture.plan import Target
from tests.torture.result import TrialResult
from tests.torture.trials.connection_cuts import connection_cuts
from tests.torture.trials.event_fuzz import event_fuzz
from tests.torture.trials.half_requests import half_requests
from tests.torture.trials.key_term_floods import key_term_floods
from tests.torture.trials.message_fuzz import message_fuzz
from tests.torture.trials.short_streams import short_streams
from tests.torture.trials.slow_readers import slow_readers


class Trial(NamedTuple):
    """A trial in an hour's run.

    Attributes:
        run: The trial.
        amount: How much of it an hour has.
        part: Of the time, for one of those that come in turn; 0 for one that goes on beside all others.
        address: Loopback address of its sockets; bounds for each address must not hit the callers.
        fixed: Whether the amount stays as it is in a shorter run, because less of it would prove nothing.
    """

    run: Callable[[Target], Awaitable[TrialResult]]
    amount: int
    part: float = 0.0
    address: str = "127.0.0.1"
    fixed: bool = False


TRIALS: dict[str, Trial] = {
    "short-streams": Trial(short_streams, 3_000, address="127.0.0.2"),
    "connection-cuts": Trial(connection_cuts, 2_000),
    "message-fuzz": Trial(message_fuzz, 1_000_000, address="127.0.0.3"),
    "slow-formats": Trial(slow_formats, 240, address="127.0.0.7"),
    "upload-fuzz": Trial(upload_fuzz, 1_800, 0.15, "127.0.0.9"),
    "riva-fuzz": Trial(riva_fuzz, 1_200, 0.15),
    "key-term-floods": Trial(key_term_floods, 2, 0.25, "127.0.0.6", fixed=True),
    "event-fuzz": Trial(event_fuzz, 200_000, 0.2),
    "format-fuzz": Trial(websocket_fuzz, 60_000, 0.2, "127.0.0.8"),
    "slow-readers": Trial(slow_readers, 60, 0.4, "127.0.0.4"),
    "half-requests": Trial(half_requests, 1_100, 0.15, "127.0.0.5", fixed=True),
}
"""In their order: what takes the most memory comes before the middle, from which on memory must not grow."""


def run_trial(name: str, target: Target) -> TrialResult:
    """Runs a trial; the entry point of its process. One that breaks off has failed, and the others go on."""
    began = time.monotonic()
    try:
        result = asyncio.run(_run(TRIALS[name], target))
    except Exception:  # noqa: BLE001 - reported with its traceback
        result = TrialResult(name, "broke off")
        result.fail(traceback.format_exc())
    result.seconds = time.monotonic() - began
    return result


async def _run(trial: Trial, target: Target) -> TrialResult:
    return await trial.run(target)
