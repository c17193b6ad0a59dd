"""Recordings of one speaker's turn each: Silero finds the pauses, and the last silence is the turn's end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
import soxr

from auricle_server.voice.models import find_models, load_models
from auricle_server.voice.silero import WINDOW, VoiceTrack
from auricle_server.voice.voice_activity import VoiceActivity
from demo_model.audio.voices import SAMPLE_RATE
from tests.bench.turns.conversations import TRAIL_SECONDS, Conversation, Turn
from tests.bench.turns.synthesis import Pause
from tests.bench.turns.traces import Trace, listen, transcribe, words_of

SUFFIXES = frozenset((".wav", ".flac", ".opus"))
SHORTEST_PAUSE = SAMPLE_RATE // 5
"""Samples; a shorter silence is the closure of a consonant, or what a sentence needs anyway."""
SHORTEST_VOICE = SAMPLE_RATE // 10
"""Samples; what is shorter is a click, such as where a recording breaks off."""


def recorded(folder: Path) -> list[Conversation]:
    """All recordings of a folder in which Silero hears a voice, with silence behind each."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return [found for path in paths if (found := _labelled(path)) is not None]


def recorded_traces(folder: Path, latency_ms: int) -> list[Trace]:
    """The same, with what the server knew."""
    conversations = recorded(folder)
    found = transcribe(conversations, latency_ms)
    return [
        Trace(conversation, listen(conversation), {latency_ms: words_of(each)})
        for conversation, each in zip(conversations, found, strict=True)
    ]


def _labelled(path: Path) -> Conversation | None:
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE)
    trail = np.zeros(round(TRAIL_SECONDS * SAMPLE_RATE), np.float32)
    pcm = np.round(np.clip(np.concatenate([mono, trail]), -1, 1) * 32767).astype(np.int16)
    spoken = [(start, end) for start, end in _stretches(pcm) if end - start >= SHORTEST_VOICE]
    if not spoken:
        return None
    silences = pairwise(spoken)
    pauses = tuple(
        Pause(before, after, "recorded") for (_, before), (after, _) in silences if after - before >= SHORTEST_PAUSE
    )
    turn = Turn(path.stem, "recorded", spoken[0][0], spoken[-1][1], pauses)
    return Conversation(path.stem, path.stem, "recorded", (turn,), pcm)


def _stretches(pcm: np.ndarray[tuple[int], np.dtype[np.int16]]) -> Iterator[tuple[int, int]]:
    """Where somebody speaks, in samples; a window's beginning stands for it."""
    ground, start = VoiceActivity(0, 0), None
    for probability in VoiceTrack(load_models(find_models()).silero).advance(pcm.astype("<i2").tobytes()):
        ground.step(probability)
        if ground.speaking and start is None:
            start = ground.seen - WINDOW
        elif ground.silent_since is not None and start is not None:
            yield start, ground.silent_since
            start = None
