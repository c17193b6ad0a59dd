"""What another server's wire format adds to the time until a turn's last words are final and its end is told.

    python -m tests.bench.dialects

Streams in the native protocol and in the other formats hear the same recording at the same time, in packets of 20 ms in
real time, from a server in this process. The engine computes their chunks in one step, so what differs between the
moments at which their turn ends arrive is what the formats take. Exit status 1 when the median is beyond the target.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp

from auricle_server.audio_files import read_pcm16
from auricle_server.bench.report.results import record, write
from auricle_server.bench.report.summaries import Spread
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally

RATE = 16_000
PACKET_BYTES = 2 * RATE // 50
SILENCE_MS = 500
SILENCE_SECONDS = 3.0
"""Behind each recording, so that every turn ends."""
LATENCY_MS = 80
MOST_MS = 5.0
"""The target: a format's median delay behind the native protocol."""


@dataclass(frozen=True)
class Format:
    """How a stream of a format is opened, and how it says that a turn has ended.

    Attributes:
        name: For the report.
        path: Of the URL, with its query.
        native: The native stream with the same turn settings; empty for the native ones.
        first: Messages that the client sends at first.
        in_texts: Whether audio goes in messages of text, base64.
        ends_turn: Whether a message says that a turn has ended.
    """

    name: str
    path: str
    native: str
    first: tuple[dict[str, Any], ...]
    ends_turn: Callable[[dict[str, Any]], bool]
    in_texts: bool = False

    async def send(self, socket: aiohttp.ClientWebSocketResponse, pcm: bytes) -> None:
        """Sends a packet of audio."""
        if self.in_texts:
            await socket.send_json({"type": "input_audio_buffer.append", "audio": b64encode(pcm).decode()})
        else:
            await socket.send_bytes(pcm)


def _native(name: str, turn: dict[str, Any]) -> Format:
    start = {"type": "start", "version": 1, "encoding": "pcm_s16le", "sample_rate": RATE}
    first = ({**start, "latency_ms": LATENCY_MS, "turn": turn},)
    return Format(name, "/v1/stream", "", first, lambda message: message["type"] == "turn_end")


def _realtime_session() -> dict[str, Any]:
    turns = {"type": "server_vad", "silence_duration_ms": SILENCE_MS}
    hears = {"format": {"type": "audio/pcm", "rate": RATE}, "turn_detection": turns}
    session = {"type": "transcription", "audio": {"input": {**hears, "transcription": {"model": "demo"}}}}
    return {"type": "session.update", "session": session}


_RAW = f"encoding=linear16&sample_rate={RATE}&latency_ms={LATENCY_MS}"
FORMATS = (
    _native("native, silence", {"mode": "silence", "silence_ms": SILENCE_MS}),
    _native("native, semantic", {"mode": "semantic", "end_threshold": 0.7}),
    Format(
        "deepgram",
        f"/v1/listen?{_RAW}&endpointing={SILENCE_MS}",
        "native, silence",
        (),
        lambda message: bool(message.get("speech_final")),
    ),
    Format(
        "flux",
        f"/v2/listen?{_RAW}&model=flux-general-en&eot_threshold=0.7&eot_timeout_ms=2500",
        "native, semantic",
        (),
        lambda message: message.get("event") == "EndOfTurn",
    ),
    Format(
        "openai realtime",
        f"/v1/realtime?intent=transcription&latency_ms={LATENCY_MS}",
        "native, silence",
        (_realtime_session(),),
        lambda message: message["type"].endswith("input_audio_transcription.completed"),
        in_texts=True,
    ),
)


async def hear(socket: aiohttp.ClientWebSocketResponse, ends_turn: Callable[[dict[str, Any]], bool]) -> list[float]:
    """When the ends of turns have come; returns once the connection closes."""
    return [
        time.perf_counter()
        async for message in socket
        if message.type is aiohttp.WSMsgType.TEXT and ends_turn(json.loads(message.data))
    ]


async def converse(url: str, pcm: bytes, formats: list[Format]) -> dict[str, list[float]]:
    """One recording through all formats: when each has told the ends of turns."""
    async with aiohttp.ClientSession() as http:
        sockets = [await http.ws_connect(url + each.path) for each in formats]
        for each, socket in zip(formats, sockets, strict=True):
            for message in each.first:
                await socket.send_json(message)
        pairs = zip(formats, sockets, strict=True)
        hearing = [asyncio.create_task(hear(socket, each.ends_turn)) for each, socket in pairs]
        began = time.perf_counter()
        for number, at in enumerate(range(0, len(pcm), PACKET_BYTES)):
            await asyncio.sleep(max(0.0, began + number * PACKET_BYTES / (2 * RATE) - time.perf_counter()))
            for each, socket in zip(formats, sockets, strict=True):
                await each.send(socket, pcm[at : at + PACKET_BYTES])
        for socket in sockets:
            await socket.close()
        heard = await asyncio.gather(*hearing)
    return {each.name: times for each, times in zip(formats, heard, strict=True)}


async def measure(rounds: int) -> dict[str, Spread]:
    """Milliseconds behind the native protocol, by format; negative ahead of it."""
    folder = Path(str(files("auricle_server"))) / "demo" / "audio"
    silence = bytes(round(2 * SILENCE_SECONDS * RATE))
    delays = defaultdict[str, list[float]](list)
    async with serve_locally(ServerConfig(max_load=0)) as url:
        for number in range(rounds):
            for shift, clip in enumerate(sorted(folder.glob("*.wav"))):
                # In turns, as whoever gets its packet first has its answer first.
                turn = (number + shift) % len(FORMATS)
                formats = [*FORMATS[turn:], *FORMATS[:turn]]
                pcm = read_pcm16(str(clip)) + silence
                times = await converse(url, pcm, formats)
                for each in FORMATS:
                    if each.native:
                        delays[each.name] += compared(each.name, times[each.name], times[each.native])
    return {name: Spread.of(found) for name, found in delays.items()}


def compared(name: str, times: list[float], native: list[float]) -> list[float]:
    """Milliseconds of each turn's end behind the native one.

    Raises:
        RuntimeError: The turns are not the same.
    """
    if len(times) != len(native):
        raise RuntimeError(f"{name} has told {len(times)} ends of turns, and the native protocol {len(native)}")
    return [1000 * (here - there) for here, there in zip(times, native, strict=True)]


def main() -> int:
    """Prints the figures and writes the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="times that each recording is heard")
    parser.add_argument("--out", type=Path, help="folder of the record")
    options = parser.parse_args()
    found = asyncio.run(measure(options.rounds))
    for name, spread in found.items():
        print(f"{name}: ms behind the native protocol: {spread}", flush=True)
    figures = {name: asdict(spread) for name, spread in found.items()}
    print(write(record("dialects", {"rounds": options.rounds, "model": "demo"}, figures), options.out, "dialects-demo"))
    return int(any(spread.p50 > MOST_MS for spread in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
