"""Recordings over which servers are lost: a live speaker goes on, but the same audio may be lost again for ever."""

from __future__ import annotations

from auricle._stream.replay_buffer import ReplayBuffer
from auricle.errors import AuricleError, StreamFailed
from auricle.protocol import codes
from auricle.protocol.server_messages import Ready


def began_anew(replay_buffer: ReplayBuffer, ready: Ready) -> bool:
    """Whether a recording began anew on this connection: that it lasted is no progress then."""
    return replay_buffer.start.offline and ready.held is None


def error_of_loss(error: AuricleError, losses: int, replay_buffer: ReplayBuffer) -> AuricleError:
    """The error of a stream that is given up; of a recording it says over which of its audio servers were lost.

    Args:
        error: Of the last attempt.
        losses: How often the server was lost since the last final.
        replay_buffer: Of the stream.
    """
    if not isinstance(error, StreamFailed) or error.code != codes.WORKER_LOST or not replay_buffer.start.offline:
        return error
    place = f"after {replay_buffer.front_seconds:.1f} s of the recording"
    return StreamFailed(error.code, error.fault, f"the server was lost {losses} times {place}: {error.message}")
