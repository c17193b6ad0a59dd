"""What a live stream costs a gateway in memory, in the native protocol and through the formats of other servers.

    python -m tests.bench.dialects.memory

Each format has a server of its own, as users run it, with the two-tone model: what earlier streams have left would
serve the later ones. Streams have said a second of speech and are silent then. Exit status 1 when a format takes more
than a tenth more than the native protocol with the same turn detection and sample rate.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from auricle_server.bench.report.results import record, write
from tests.bench.dialects.__main__ import FORMATS, Format
from tests.support import tones
from tests.torture.server_process import ServerProcess, serving

RIVA, RIVA_NATIVE = "riva", "native, silence"
MOST_SHARE = 1.1
"""The target: the memory of a stream, of that in the native protocol."""
_FIRST = 20
"""Streams that are opened before those that are measured: what the first ones load stays."""
_SETTLE_SECONDS = 2.0


@dataclass(frozen=True)
class StreamMemory:
    """What a stream takes.

    Attributes:
        kilobytes: Of the gateway, for each stream.
        share: Of the native protocol's; None for that itself.
    """

    kilobytes: float
    share: float | None


async def kilobytes_of(name: str, streams: int) -> float:
    """Kilobytes of a gateway for each of so many streams in a format."""
    pcm = tones.utterance(1, 3)[0].tobytes()
    with tempfile.TemporaryDirectory(prefix="memory-") as folder:
        patient = {"AURICLE_IDLE_SECONDS": "3600"}
        async with (
            serving(Path(folder), riva=name == RIVA, slots=streams + _FIRST, variables=patient) as server,
            AsyncExitStack() as stack,
        ):
            open_streams = await stack.enter_async_context(_opener(name, server, pcm))
            await open_streams(_FIRST)
            await asyncio.sleep(_SETTLE_SECONDS)
            before = server.memory("gateway")
            await open_streams(streams)
            await asyncio.sleep(_SETTLE_SECONDS)
            used = await server.metric("auricle_slots_used")
            if used != streams + _FIRST:
                raise RuntimeError(f"{name}: {used} streams of {streams + _FIRST} are open")
            return (server.memory("gateway") - before) / streams / 1000


@asynccontextmanager
async def _opener(name: str, server: ServerProcess, pcm: bytes) -> AsyncIterator[Callable[[int], Any]]:
    """What opens so many more streams in a format, which stay open."""
    async with AsyncExitStack() as stack:
        if name == RIVA:
            from tests.support.servers.riva import connected_stub, first, pieces

            stub = await stack.enter_async_context(connected_stub(int(server.riva.rpartition(":")[2])))
            calls: list[Any] = []

            async def open_calls(count: int) -> None:
                for _ in range(count):
                    calls.append(call := stub.stream())
                    for request in (first(), *pieces(pcm)):
                        await call.write(request)

            yield open_calls
            for call in calls:
                call.cancel()
            return
        form = next(each for each in FORMATS if each.name == name)
        connector = aiohttp.TCPConnector(limit=0)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

        sockets: list[aiohttp.ClientWebSocketResponse] = []

        async def open_sockets(count: int) -> None:
            for _ in range(count):
                sockets.append(await http.ws_connect(server.url + form.path))
                await _start(form, sockets[-1], pcm)

        yield open_sockets


async def _start(form: Format, socket: aiohttp.ClientWebSocketResponse, pcm: bytes) -> None:
    for message in form.first:
        await socket.send_json(message)
    await form.send(socket, pcm)


async def measure(streams: int, rounds: int) -> dict[str, StreamMemory]:
    """What a stream takes in each format: the least of several rounds."""
    names = [each.name for each in FORMATS]
    natives = {each.name: each.native for each in FORMATS}
    if importlib.util.find_spec("grpc") is not None:
        names.append(RIVA)
        natives[RIVA] = RIVA_NATIVE
    taken = dict.fromkeys(names, float("inf"))
    for _ in range(rounds):
        for name in names:
            taken[name] = min(taken[name], await kilobytes_of(name, streams))
    return {
        name: StreamMemory(taken[name], taken[name] / taken[natives[name]] if natives[name] else None) for name in names
    }


def main() -> int:
    """Prints the figures and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=300, help="that are open at a time")
    parser.add_argument("--rounds", type=int, default=2, help="of which the least counts")
    parser.add_argument("--out", type=Path, help="folder of the record")
    options = parser.parse_args()
    found = asyncio.run(measure(options.streams, options.rounds))
    for name, memory in found.items():
        share = "" if memory.share is None else f", {memory.share:.2f} of the native protocol's"
        print(f"{name}: {memory.kilobytes:.1f} kB for each stream{share}", flush=True)
    figures = {name: vars(memory) for name, memory in found.items()}
    settings = {"streams": options.streams, "rounds": options.rounds, "model": "two tones"}
    print(write(record("dialect memory", settings, figures), options.out, "dialects-memory"))
    return int(any(memory.share is not None and memory.share > MOST_SHARE for memory in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
