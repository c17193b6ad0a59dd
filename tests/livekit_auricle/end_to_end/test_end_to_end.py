"""The plugin in real sessions against a real server: the engine, the gateway and everything between."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from contextlib import AsyncExitStack
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from livekit.plugins import auricle

from auricle import Final, ReconnectPolicy, Start, Stream, connect
from auricle_server.demo.scores import count_errors
from tests.faults.proxy import Passage, Proxy
from tests.support import tones
from tests.support.adapters.livekit_session import EnergyVAD, Heard, frames, listening, needs_flush
from tests.support.levels import Audio

VAD_SILENCE, MIN_DELAY, SILENCE = 0.25, 0.3, 0.4
CHUNK = 0.08

DEMO_AUDIO = Path(str(files("auricle_server"))) / "demo" / "audio"
DEMO_MODEL = Path(str(files("auricle_server"))) / "checkpoints" / "demo" / "demo_en.nemo"
EXAMPLE = Path(__file__).parents[3] / "agent_examples" / "livekit_captions.py"
needs_demo = pytest.mark.skipif(not DEMO_MODEL.exists(), reason="needs the bundled demo model")


def tone_speech(*parts: float | str) -> Audio:
    """Silences (seconds) and sentences of the two-tone words that the test model knows."""
    pieces: list[np.ndarray] = []
    ends: list[float] = []
    for part in parts:
        if isinstance(part, str):
            for word in part.split():
                pieces += [tones.silence(0.14), tones.word(tones.WORDS.index(word), 0.24)]
            ends.append(sum(map(len, pieces)) / tones.SAMPLE_RATE)
        else:
            pieces.append(tones.silence(part))
    samples = np.concatenate(pieces)
    samples += 0.001 * np.random.default_rng(1).standard_normal(len(samples))
    return Audio(np.round(samples * 32767).astype(np.int16), tones.SAMPLE_RATE, tuple(ends))


def delays(heard: Heard, speech: Audio) -> list[float]:
    """Seconds from the end of each sentence to the commit of its turn."""
    pairs = zip(heard.turn_times, speech.speech_ends, strict=True)
    return [committed - heard.audio.wall(end) for committed, end in pairs]


@needs_flush
async def test_sessions_that_decide_and_sessions_that_let_the_server_decide_hear_the_same_turns(
    tones_server: str,
) -> None:
    speech = tone_speech(0.1, "it was on", 0.7, "they are", 0.1)
    async with (
        listening(
            speech,
            stt=auricle.STT(url=tones_server, latency_ms=80),
            vad=EnergyVAD(VAD_SILENCE),
            turn_handling={"turn_detection": "vad", "endpointing": {"min_delay": MIN_DELAY}},
        ) as deciding,
        listening(
            speech,
            stt=auricle.STT(url=tones_server, latency_ms=80, turn_detection="server", silence_ms=round(SILENCE * 1000)),
            vad=None,
            turn_handling={"turn_detection": "stt", "endpointing": {"min_delay": 0.0}},
        ) as trusting,
    ):
        for heard in (deciding, trusting):
            await heard.until(lambda heard=heard: len(heard.turns) == 2)  # type: ignore[misc]
    assert deciding.turns == deciding.finals == ["it was on", "they are"]
    assert trusting.turns == trusting.finals == ["it was on", "they are"]
    if max(deciding.audio.lateness, trusting.audio.lateness) > 0.1:
        pytest.skip("the words are right; this machine was too busy to judge the timing")
    # The final comes while the session's own delay still runs: the flush costs nothing.
    assert all(metrics["transcription_delay"] < VAD_SILENCE + deciding.allowance for metrics in deciding.metrics)
    assert max(delays(deciding, speech)) < MIN_DELAY + deciding.allowance
    # A word ends where the decoder emitted it, which is up to two chunks after it was spoken.
    assert max(delays(trusting, speech)) < SILENCE + 3 * CHUNK + trusting.allowance
    assert all(0 <= metrics["end_of_turn_delay"] - SILENCE < CHUNK + trusting.allowance for metrics in trusting.metrics)


def cut_often(passage: Passage) -> None:
    """About every fifth of a second of audio."""
    if passage.up.passed > 6_400:
        passage.cut()


async def test_sessions_whose_connection_is_cut_again_and_again_commit_every_word_once(tones_server: str) -> None:
    speech = tone_speech(0.1, "it was on", 0.9, "they are", 0.1)
    quick = ReconnectPolicy(first_delay=0.01, max_delay=0.02)
    async with Proxy(tones_server).running() as one, Proxy(tones_server).running() as other:
        one.on_bytes = other.on_bytes = cut_often
        async with (
            listening(
                speech,
                stt=auricle.STT(url=one.url, latency_ms=80, reconnect=quick),
                vad=EnergyVAD(VAD_SILENCE),
                turn_handling={"turn_detection": "vad", "endpointing": {"min_delay": 0.6}},
            ) as deciding,
            listening(
                speech,
                stt=auricle.STT(url=other.url, latency_ms=80, reconnect=quick, turn_detection="server"),
                vad=None,
                turn_handling={"turn_detection": "stt", "endpointing": {"min_delay": 0.0}},
            ) as trusting,
        ):
            for heard in (deciding, trusting):
                await heard.until(lambda heard=heard: len(heard.turns) == 2)  # type: ignore[misc]
                assert heard.turns == list(filter(None, heard.finals)) == ["it was on", "they are"]
                assert all(error.recoverable for error in heard.errors)
        assert min(one.opened, other.opened) > 10


async def test_answers_are_started_ahead_at_the_servers_eager_pauses(tones_server: str) -> None:
    options: dict[str, Any] = {"silence_ms": 640, "eager_silence_ms": 240}
    stt = auricle.STT(url=tones_server, latency_ms=80, turn_detection="server", **options)
    async with listening(
        tone_speech(0.1, "it was on", 0.1),
        stt=stt,
        vad=None,
        turn_handling={"turn_detection": "stt", "endpointing": {"min_delay": 0.0}},
    ) as heard:
        assert await asyncio.wait_for(heard.model.questions.get(), 10) == "it was on"
        assert heard.turns == []  # the turn's end is 400 ms away
        await heard.until(lambda: bool(heard.turns))
    assert heard.model.asked == heard.turns == ["it was on"]


async def test_recognize(tones_server: str) -> None:
    stt = auricle.STT(url=tones_server)
    event = await stt.recognize(frames(tone_speech(0.2, "it was on", 0.2)))
    data = event.alternatives[0]
    assert data.text == "it was on"
    assert [str(word) for word in data.words or ()] == ["it", "was", "on"]
    assert data.language == "en-US"
    assert stt.model != "auricle"


def bundled_clip() -> tuple[Audio, str]:
    """The shortest bundled clip without its trailing silence, and its words."""
    clip = min(json.loads((DEMO_AUDIO / "manifest.json").read_text()), key=lambda clip: clip["speech_end"])
    samples, rate = soundfile.read(DEMO_AUDIO / clip["file"], dtype="int16")
    return Audio(samples[: round((clip["speech_end"] + 0.4) * rate)], rate, (clip["speech_end"],)), clip["text"]


def share_of_words_wrong(reference: str, hypothesis: str) -> float:
    """The demo model is small: a test of the plug-in asks for most of the words, in order."""
    errors, words = count_errors(reference, hypothesis)
    return errors / words


class Finalizes:
    """Where in its audio each stream was asked for a final."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.points: dict[Stream, list[float]] = {}
        finalize = Stream.finalize

        async def noted(stream: Stream, name: str | None = None) -> str:
            self.points.setdefault(stream, []).append(stream.audio_seconds)
            return await finalize(stream, name)

        monkeypatch.setattr(Stream, "finalize", noted)


async def finals_of(url: str, start: Start, speech: Audio, points: list[float]) -> list[str]:
    """The finals of the client for the same audio, with finalizes at the same points."""
    samples, rate = speech.samples, speech.rate
    positions = [round(seconds * rate) for seconds in points]
    samples = np.concatenate([samples, np.zeros(max([2 * rate, *positions]), np.int16)])
    async with connect(url, start=start) as stream:
        for begin, end in pairwise([0, *positions]):
            await stream.send(samples[begin:end].tobytes())
            await stream.finalize()
        if not positions:
            await stream.send(samples.tobytes())
        await stream.end()
        return [event.text async for event in stream if isinstance(event, Final) and event.text]


@needs_flush
@needs_demo
async def test_sessions_of_each_kind_commit_of_real_speech_what_the_client_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As they come, with their own voice activity and turn detection; with "vad"; and with "stt"."""
    from auricle_server.config import ServerConfig
    from auricle_server.serving.in_process_server import serve_locally

    speech, text = bundled_clip()
    async with serve_locally(ServerConfig(max_load=0)) as url, AsyncExitStack() as stack:
        deciding, trusting = auricle.STT(url=url), auricle.STT(url=url, turn_detection="server")
        stt_turns: dict[str, Any] = {"turn_detection": "stt", "endpointing": {"min_delay": 0.0}}
        finalizes = Finalizes(monkeypatch)
        sessions = [
            await stack.enter_async_context(session)
            for session in (
                listening(speech, stt=deciding),
                listening(speech, stt=deciding, vad=EnergyVAD(VAD_SILENCE), turn_handling={"turn_detection": "vad"}),
                listening(speech, stt=trusting, vad=None, turn_handling=stt_turns),
            )
        ]
        for heard in sessions:
            await heard.audio.played.wait()
            await heard.until(lambda heard=heard: bool(heard.turns) and heard.settled)  # type: ignore[misc]
        monkeypatch.undo()
        asked = finalizes.points.values()
        told = [await finals_of(url, deciding.options.start(), speech, points) for points in asked]
        told.append(await finals_of(url, trusting.options.start(), speech, []))
        committed = [list(filter(None, heard.finals)) for heard in sessions]
    assert len(asked) == 2  # the third leaves the turns to the server
    assert sorted(committed[:2]) == sorted(told[:2])
    assert committed[2] == told[2]
    for heard in sessions:
        assert share_of_words_wrong(text, " ".join(heard.turns)) <= 0.4
        assert not heard.errors


@needs_demo
@pytest.mark.slow
def test_the_example_runs_as_it_is(tmp_path: Path) -> None:
    (speech, text), recording = bundled_clip(), tmp_path / "recording.wav"
    soundfile.write(recording, speech.samples, speech.rate)
    done = subprocess.run([sys.executable, EXAMPLE, recording], capture_output=True, text=True, timeout=100, check=True)
    finals = re.findall(r"^(?:\x1b\[K)?> (.*?)   \[", done.stdout, re.MULTILINE)
    assert share_of_words_wrong(text, " ".join(finals)) <= 0.4
