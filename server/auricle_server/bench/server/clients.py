"""Real-time clients, many in one process, on an absolute schedule.

The due time of every packet depends only on the start of its stream. So a slow server cannot slow the clients down and
thereby hide its own delay (coordinated omission). The lateness of the packets is measured too: a run with late clients
is void.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import random
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from auricle.protocol.client_messages import End, Finalize, Start
from auricle.protocol.codec import encode_client
from auricle.protocol.settings import TurnSettings
from auricle_server.bench.clips import PACKET_SECONDS, BenchClip, load_clips
from auricle_server.bench.server.fast_websocket import FastWebSocket, audio_frame
from auricle_server.bench.server.speech_script import ScriptedSpeech, packets_of, script

SERVER_TURNS = 4
"""One in so many streams uses the server's turn detection; the others send a finalize after each clip."""
_NORMAL = 1000
_AHEAD = 0.5
"""Seconds between a client's connection and its first packet."""


@dataclass(frozen=True, slots=True)
class ClientPlan:
    """The plan of one process of clients.

    Attributes:
        host: Host of the server.
        port: Port of the server.
        first: Number of the process's first stream; also its seed.
        streams: Number of streams.
        latency_ms: Chunk latency of the streams.
        start: Earliest start of a stream, on the machine's monotonic clock.
        ramp: Seconds over which the streams start.
        seconds: Minimum length of each stream.
        end_timeout: Seconds that the server may take to end a stream.
    """

    host: str
    port: int
    first: int
    streams: int
    latency_ms: int
    start: float
    ramp: float
    seconds: float
    end_timeout: float = 5.0


def _floats() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Report:
    """Measurements of a process of clients. Times are in seconds, without those of the ramp.

    Attributes:
        lateness: Delay of a packet after its due time.
        first_partial: From the first word of a clip to its first interim.
        partial_lag: Arrival of an interim minus the end of its newest word.
        lag: Arrival of an interim minus the end of the audio that it covers; shows drift.
        final_after_speech: From the end of the last word of a clip to its final.
        final_after_finalize: From a finalize to its final.
        turn_end: From the end of the last word of a turn to the server's turn end.
        cut_ins: Turn ends during speech.
        texts: Stream, place in the script, clip and text of every final.
        missing: Finalizes without a final.
        errors: Number of error events, refusals and abnormal closes, by kind.
    """

    lateness: array[float] = field(default_factory=_floats)
    first_partial: array[float] = field(default_factory=_floats)
    partial_lag: array[float] = field(default_factory=_floats)
    lag: array[float] = field(default_factory=_floats)
    final_after_speech: array[float] = field(default_factory=_floats)
    final_after_finalize: array[float] = field(default_factory=_floats)
    turn_end: array[float] = field(default_factory=_floats)
    texts: list[tuple[int, int, int, str]] = field(default_factory=list)
    missing: int = 0
    cut_ins: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    TIMES = (
        "lateness",
        "first_partial",
        "partial_lag",
        "lag",
        "final_after_speech",
        "final_after_finalize",
        "turn_end",
    )

    def failed(self, what: str) -> None:
        """Counts an error."""
        self.errors[what] = self.errors.get(what, 0) + 1

    def add(self, other: Report) -> None:
        """Adds the measurements of another process."""
        for name in self.TIMES:
            getattr(self, name).extend(getattr(other, name))
        self.texts += other.texts
        self.missing += other.missing
        self.cut_ins += other.cut_ins
        for what, count in other.errors.items():
            self.errors[what] = self.errors.get(what, 0) + count


def run_clients(plan: ClientPlan) -> Report:
    """Runs a plan; the entry point of a process."""
    return asyncio.run(_ClientProcess(plan).run())


class _LoadClient:
    """One stream: its script, and the measurements of the events that it receives."""

    def __init__(self, number: int, plan: ClientPlan, clips: Sequence[BenchClip], report: Report, began: float) -> None:
        self.number, self._report, self.began = number, report, began
        self._measure_from = plan.start + plan.ramp
        self._clips = clips
        self._script = list(script(clips, number, plan.seconds))
        self._at, self._packet = 0, 0
        self._asked: dict[str, tuple[int, float]] = {}
        self._first_word: ScriptedSpeech | None = None
        self.server_turns = number % SERVER_TURNS == SERVER_TURNS - 1
        turn = TurnSettings(mode="silence" if self.server_turns else "off")
        self._start = encode_client(Start(latency_ms=plan.latency_ms, turn=turn))
        self.wire = FastWebSocket(plan.host, plan.port, self._opened, self._receive, self._closed)
        self.over = asyncio.get_running_loop().create_future()

    def _opened(self) -> None:
        self.wire.send_text(self._start)

    @property
    def due(self) -> float:
        """Due time of the next packet: the moment at which its last sample has been spoken."""
        return self.began + (self._packet + 1) * PACKET_SECONDS

    def send_due(self, frames: Sequence[Sequence[bytes]], now: float) -> bool:
        """Sends the due packet; returns False after the last one."""
        if now >= self._measure_from:
            self._report.lateness.append(now - self.due)
        said = self._script[self._at]
        if self._packet == said.first_packet:
            self._first_word = said
        self.wire.send_audio(frames[said.clip][self._packet - said.first_packet])
        if self._packet == said.finalize_packet and not self.server_turns:
            self.wire.send_text(encode_client(Finalize(str(self._at))))
            self._asked[str(self._at)] = self._at, time.monotonic()
        self._packet += 1
        if self._packet == said.first_packet + said.packets:
            self._at += 1
        if self._at < len(self._script):
            return True
        self.wire.send_text(encode_client(End()))
        return False

    def _receive(self, message: bytes) -> None:
        now, event = time.monotonic(), json.loads(message)
        kind = event["type"]
        if kind == "error":
            self._report.failed(event["code"])
        elif kind == "final":
            self._final(event, now)
        elif now < self._measure_from:
            return
        elif kind == "interim":
            self._interim(event, now)
        elif kind == "turn_end":
            self._turn_end(now)

    def _interim(self, event: dict[str, Any], now: float) -> None:
        passed = now - self.began
        self._report.partial_lag.append(passed - event["end"])
        self._report.lag.append(passed - event["audio_time"])
        if self._first_word is not None and event["end"] > self._first_word.start:
            self._report.first_partial.append(passed - self._first_word.speech_start)
            self._first_word = None

    def _final(self, event: dict[str, Any], now: float) -> None:
        if "finalize_id" not in event:
            return
        index, asked = self._asked.pop(event["finalize_id"])
        said = self._script[index]
        self._report.texts.append((self.number, index, said.clip, event["text"]))
        if now >= self._measure_from:
            self._report.final_after_finalize.append(now - asked)
            self._report.final_after_speech.append(now - self.began - said.speech_end)

    def _turn_end(self, now: float) -> None:
        """Counts a turn end after a turn and before the next one as correct; any other as a cut-in."""
        passed = now - self.began
        turns = ((said.start + a, said.start + b) for said in self._script for a, b in self._clips[said.clip].turns)
        begun = [end for start, end in turns if start <= passed]
        if begun and passed >= begun[-1]:
            self._report.turn_end.append(passed - begun[-1])
        else:
            self._report.cut_ins += 1

    def _closed(self, code: int) -> None:
        # What was asked and is not answered when the connection ends.
        self._report.missing += len(self._asked)
        if code != _NORMAL:
            self._report.failed(f"closed {code}")
        if not self.over.done():
            self.over.set_result(None)


class _ClientProcess:
    """All clients of a process on one schedule."""

    def __init__(self, plan: ClientPlan) -> None:
        self._plan = plan
        self._clips = load_clips()
        self._frames = [[audio_frame(packet) for packet in packets_of(clip)] for clip in self._clips]
        self._report = Report()

    async def run(self) -> Report:
        plan, rng = self._plan, random.Random(self._plan.first)
        # Random phases, as speakers have.
        began = [plan.start + rng.random() * plan.ramp for _ in range(plan.streams)]
        clients = [_LoadClient(plan.first + n, plan, self._clips, self._report, at) for n, at in enumerate(began)]
        opening = [asyncio.create_task(self._open(client)) for client in clients]
        await self._send_packets(clients)
        await asyncio.gather(*opening)
        await asyncio.wait([client.over for client in clients], timeout=self._plan.end_timeout)
        for client in clients:
            if not client.over.done():
                self._report.failed("not ended by the server")
                client.wire.cut()
        await asyncio.gather(*(client.over for client in clients))
        return self._report

    async def _open(self, client: _LoadClient) -> None:
        """Connects a client shortly before its first packet."""
        await asyncio.sleep(max(0.0, client.began - _AHEAD - time.monotonic()))
        try:
            await asyncio.get_running_loop().create_connection(lambda: client.wire, self._plan.host, self._plan.port)
        except OSError as error:
            self._report.failed(f"no connection: {error.strerror}")
            client.over.set_result(None)

    async def _send_packets(self, clients: Sequence[_LoadClient]) -> None:
        # The number breaks ties: clients themselves cannot be compared.
        queue = [(client.due, client.number, client) for client in clients]
        heapq.heapify(queue)
        while queue:
            await asyncio.sleep(max(0.0, queue[0][0] - time.monotonic()))
            while queue and queue[0][0] <= (now := time.monotonic()):
                client = queue[0][2]
                if client.over.done() or not client.send_due(self._frames, now):
                    heapq.heappop(queue)
                else:
                    heapq.heapreplace(queue, (client.due, client.number, client))
