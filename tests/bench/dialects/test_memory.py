"""What a live stream costs a gateway in memory: other servers' formats take little more than the native protocol.

`python -m tests.bench.dialects.memory` measures whole processes. Here it is what Python has allocated, which other
work on the machine does not change.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import tracemalloc
from base64 import b64encode
from contextlib import ExitStack

import msgspec
import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.engine import Engine
from auricle_server.serving.in_process_server import serve_locally
from tests.auricle_server.raw_client import until
from tests.bench.dialects.__main__ import FORMATS, Format
from tests.bench.dialects.memory import MOST_SHARE
from tests.support import tones
from tests.torture.fuzzing.conversations import frame
from tests.torture.trials.raw_upgrade import upgrade

STREAMS = 12
_TEXT, _BINARY = 0x81, 0x82
FINALIZES = {
    "/v1/stream": (b'{"type":"finalize","id":"1"}', b'"finalize_id"'),
    "/v1/listen": (b'{"type":"Finalize"}', b'"from_finalize":true'),
    "/v2/listen": (b'{"type":"ForceEndTurn"}', b'"EndOfTurn"'),
    "/v1/realtime": (b'{"type":"input_audio_buffer.commit"}', b"input_audio_transcription.completed"),
}
"""By path, what makes everything final, and a part of its answer."""
_SLACK = 1_000
"""Bytes by which measurements differ."""


async def opened(url: str, form: Format, pcm: bytes) -> socket.socket:
    """A stream that has said something; a socket is all that its client takes."""
    host, _, port = url.removeprefix("ws://").rpartition(":")
    loop, client = asyncio.get_running_loop(), socket.socket()
    client.setblocking(False)
    await loop.sock_connect(client, (host, int(port)))
    await loop.sock_sendall(client, upgrade(form.path))
    assert (await loop.sock_recv(client, 1 << 16)).startswith(b"HTTP/1.1 101")
    sent = [frame(_TEXT, msgspec.json.encode(message)) for message in form.first]
    if form.in_texts:
        append = {"type": "input_audio_buffer.append", "audio": b64encode(pcm).decode()}
        sent.append(frame(_TEXT, msgspec.json.encode(append)))
    else:
        sent.append(frame(_BINARY, pcm))
    await loop.sock_sendall(client, b"".join(sent) + frame(_TEXT, FINALIZES[form.path.partition("?")[0]][0]))
    return client


async def answered(client: socket.socket, form: Format) -> None:
    """Waits until everything that the stream has said is answered."""
    received, marker = b"", FINALIZES[form.path.partition("?")[0]][1]
    async with asyncio.timeout(120):
        while marker not in received:
            received += await asyncio.get_running_loop().sock_recv(client, 1 << 16)


async def bytes_for_each(url: str, form: Format, engine: Engine, pcm: bytes) -> float:
    with ExitStack() as stack:

        async def open_streams(count: int) -> int:
            clients = [stack.enter_context(await opened(url, form, pcm)) for _ in range(count)]
            for client in clients:
                await answered(client, form)
            del clients
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        before = await open_streams(2)  # what the first streams load stays
        after = await open_streams(STREAMS)
    await until(lambda: engine.slots_used == 0)
    return (after - before) / STREAMS


@pytest.mark.slow
async def test_formats_take_little_more_memory_than_the_native_protocol() -> None:
    engine = Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=2 + STREAMS, device="cpu", threads=1)
    pcm = tones.utterance(1, 3)[0].tobytes()
    taken: dict[str, float] = {}
    async with serve_locally(ServerConfig(max_load=0, resume_seconds=0.1), engine=engine) as url:
        tracemalloc.start()
        try:
            for form in FORMATS:
                taken[form.name] = min([await bytes_for_each(url, form, engine, pcm) for _ in range(3)])
        finally:
            tracemalloc.stop()
    for form in FORMATS:
        if form.native:
            assert taken[form.name] <= MOST_SHARE * taken[form.native] + _SLACK, (form.name, taken)
