"""Link messages as MessagePack."""

from __future__ import annotations

import msgspec

from auricle_server.ipc.messages import FromWorker, ToWorker

_encoder = msgspec.msgpack.Encoder()
_to_worker = msgspec.msgpack.Decoder(ToWorker)
_from_worker = msgspec.msgpack.Decoder(FromWorker)

DecodeError = msgspec.DecodeError


def encode(message: ToWorker | FromWorker) -> bytes:
    """The bytes that carry a message."""
    return _encoder.encode(message)


def decode_to_worker(data: bytes) -> ToWorker:
    """What a gateway sent.

    Raises:
        DecodeError: These bytes are none.
    """
    return _to_worker.decode(data)


def decode_from_worker(data: bytes) -> FromWorker:
    """What a worker sent.

    Raises:
        DecodeError: These bytes are none.
    """
    return _from_worker.decode(data)
