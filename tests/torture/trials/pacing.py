"""Work spread over a time, a few pieces side by side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count


async def spread(amount: int, seconds: float, together: int, piece: Callable[[int], Awaitable[None]]) -> None:
    """Runs `piece` for 0 to `amount` - 1, evenly over `seconds`; later if `together` of them are too slow."""
    began, numbers = time.monotonic(), count()

    async def run() -> None:
        while (number := next(numbers)) < amount:
            await asyncio.sleep(max(0.0, began + seconds * number / amount - time.monotonic()))
            await piece(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(together, amount)):
            group.create_task(run())
