"""What the JavaScript client holds for a replay, and sends, is what the Python client holds and sends."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

from auricle import Start, TurnSettings
from auricle._stream.replay_buffer import ReplayBuffer
from auricle.protocol.audio_positions import ChunkGrid, Held
from auricle.protocol.client_messages import Finalize, Update
from tests.auricle_js.models import SEEDS, of_javascript, rounded, wire
from tests.support.browser.node import NEEDS_NODE
from tests.support.scripted.script import READY

pytestmark = NEEDS_NODE

CODES = ["unsupported_latency", "unsupported_language", "invalid_keyterms", "server_full", "other"]


class BufferModel:
    """Random use of a replay buffer, as a stream uses it; what was done and what came of it."""

    def __init__(self, seed: int) -> None:
        self._rng = rng = random.Random(seed)
        self.start = Start(
            sample_rate=rng.choice([8_000, 16_000]),
            encoding=rng.choice(["pcm_s16le", "mulaw"]),
            latency_ms=80,
            keyterms=("a",),
        )
        self.replay_seconds = rng.choice([0.5, 2.0, 60.0])
        chunks = rng.choice([None, ChunkGrid(0.0925, 0.16), ChunkGrid(0.5725, 0.56)])
        self.ready = dataclasses.replace(READY, chunks=chunks)
        self._buffer = ReplayBuffer(self.start, self.replay_seconds, 0.02)
        self._width = 2 if self.start.encoding == "pcm_s16le" else 1
        self._attached, self._ids, self._sent_samples, self._sent_messages = False, 0, 0, 0
        self.steps: list[tuple[str, Any]] = []
        self.told: list[Any] = []
        for _ in range(80):
            self._step()

    def _step(self) -> None:
        rng, buffer = self._rng, self._buffer
        chance = rng.random()
        if chance < 0.3:
            size = self._width * rng.choice([1, 160, 320, 2_000, 9_000])
            value = (rng.randrange(251), size)
            buffer.add_audio(bytes((value[0] + at) % 251 for at in range(size)))
            self._note("audio", value)
        elif chance < 0.4:
            self._message()
        elif not self._attached:
            self._connect()
        elif chance < 0.75:
            outgoing = buffer.next_unsent()
            if isinstance(outgoing, bytes):
                self._sent_samples += len(outgoing) // self._width
            self._sent_messages += outgoing is not None and not isinstance(outgoing, bytes)
            self._note("next", None, plain(outgoing))
        elif chance < 0.85:
            seconds = round(rng.uniform(0, buffer.audio_seconds + 0.1), 3)
            buffer.settle(seconds)
            self._note("settle", seconds)
        elif chance < 0.9 and buffer.sent_requests.finalizes:
            name = rng.choice(buffer.sent_requests.finalizes)
            buffer.answer(name)
            self._note("answer", name)
        elif chance < 0.94:
            code = rng.choice(CODES)
            buffer.refuse(code, self.ready)
            self._note("refuse", code)
        else:
            speaking = rng.random() < 0.5
            buffer.detach(speaking=speaking)
            self._attached = False
            self._note("detach", speaking)

    def _message(self) -> None:
        self._ids += 1
        updates = [
            Update(latency_ms=self._rng.choice([80, 7])),
            Update(language=self._rng.choice(["de-DE", "de", "tlh"])),
            Update(turn=TurnSettings(silence_ms=700), refine="on"),
            Update(keyterms=("b", "c" * 200)),
        ]
        message: Any = Finalize(f"f{self._ids}") if self._rng.random() < 0.4 else self._rng.choice(updates)
        self._buffer.add_message(message)
        self._note("message", wire(message))

    def _connect(self) -> None:
        self._attached = True
        samples = self._rng.randrange(self._sent_samples + 2)
        held = Held(samples, self._rng.randrange(self._sent_messages + 1))
        if self._rng.random() < 0.6:
            resumable = self._buffer.can_resume(held)
            if resumable:
                self._buffer.resume(dataclasses.replace(self.ready, held=held))
                self._sent_samples, self._sent_messages = held.samples, held.messages
            self._attached = resumable
            self._note("resume", dataclasses.asdict(held), resumable)
            return
        done = self._buffer.attach(self.ready)
        self._sent_samples = self._sent_messages = 0
        told = {"origin": done.origin, "replayed": done.replayed_seconds, "lost": done.lost_seconds}
        self._note("attach", None, told)

    def _note(self, name: str, value: Any, result: Any = None) -> None:
        buffer = self._buffer
        requests = buffer.sent_requests
        self.steps.append((name, value))
        self.told.append(
            {
                "result": result,
                "audioSeconds": buffer.audio_seconds,
                "frontSeconds": buffer.front_seconds,
                "unsentSeconds": buffer.unsent_seconds,
                "awaitsAnswer": buffer.awaits_answer,
                "sentRequests": {"finalizes": list(requests.finalizes), "ended": requests.ended},
                "start": settled_start(wire(buffer.start)),
                "unanswered": list(buffer.unanswered),
            }
        )


def plain(outgoing: Any) -> Any:
    if isinstance(outgoing, bytes):
        return [*outgoing[:4], len(outgoing)]
    return None if outgoing is None else wire(outgoing)


def settled_start(start: dict[str, Any]) -> dict[str, Any]:
    return {name: start.get(name) for name in ("latency_ms", "language", "keyterms", "refine")}


async def test_what_is_held_is_sent_again_in_order(tmp_path: Path) -> None:
    models = [BufferModel(seed) for seed in SEEDS]
    given = [
        {
            "start": wire(model.start),
            "replaySeconds": model.replay_seconds,
            "packetSeconds": 0.02,
            "ready": wire(model.ready),
            "steps": model.steps,
        }
        for model in models
    ]
    for model, told in zip(models, await of_javascript("buffer", given, tmp_path), strict=True):
        for each in told:
            each["start"] = settled_start(each["start"])
        for step, here, there in zip(model.steps, model.told, told, strict=True):
            assert rounded(there) == rounded(here), step
