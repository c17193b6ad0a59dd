"""The engine: slots, batcher, mel, encoder with a K/V ring, RNNT. Knows nothing of protocols and sockets.

`Engine` is resolved on first use, so that importing this package alone loads no tensor library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auricle_server.engine.types import (
    EngineError,
    Lease,
    LeaseEnded,
    NoSlot,
    RowResult,
    UnknownLanguage,
    UnknownLatency,
)

if TYPE_CHECKING:
    from auricle_server.engine.engine import Engine

__all__ = [
    "Engine",
    "EngineError",
    "Lease",
    "LeaseEnded",
    "NoSlot",
    "RowResult",
    "UnknownLanguage",
    "UnknownLatency",
]


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from auricle_server.engine.engine import Engine

        return Engine
    raise AttributeError(name)
