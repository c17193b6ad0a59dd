"""DESIGN promise 1: streamed in any way, the engine's result is NeMo's offline result, down to the last tail frame."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from tests.parity.conftest import DEMO, Reference
from tests.parity.rounding import rounding
from tests.support import tones
from tests.support.feeding import Feeder, Heard

pytestmark = [pytest.mark.parity, pytest.mark.slow, pytest.mark.timeout(600)]

LENGTHS = 200
RIGHT_CONTEXTS = (13, 6, 1, 0)
Source = Callable[[random.Random, int], tones.Pcm]
Subject = tuple[Reference, Checkpoint, Source]
CLIPS = Path(__file__).parents[2] / "server/auricle_server/demo/audio"


def tone_audio(rng: random.Random, samples: int) -> tones.Pcm:
    audio = np.zeros(0, np.int16)
    while len(audio) < samples:
        audio = np.concatenate((audio, tones.utterance(rng.randrange(1 << 30), 4)[0]))
    return audio[:samples]


def spoken_audio(rng: random.Random, samples: int) -> tones.Pcm:
    files = [CLIPS / clip["file"] for clip in json.loads((CLIPS / "manifest.json").read_text())]
    audio, _ = soundfile.read(rng.choice(files), dtype="int16")
    start = rng.randrange(max(1, len(audio) - samples))
    return audio[start : start + samples]


def audio_jobs(source: Source, seed: int) -> dict[int, tones.Pcm]:
    """`LENGTHS` lengths: the shortest there are, every kind of ragged tail, and some seconds of speech."""
    rng = random.Random(seed)
    short = [0, 1, 159, 160, 161, 319, 320, 1279, 1280, 1480, 1481]
    lengths = short + [rng.randrange(200, 4000) for _ in range(60)]
    lengths += [rng.randrange(4000, 60_000) for _ in range(LENGTHS - len(lengths))]
    return {job: source(rng, length) for job, length in enumerate(lengths)}


MODELS = {"tones": (tones.CHECKPOINT, tone_audio), "demo": (DEMO, spoken_audio)}


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> Subject:
    path, source = MODELS[request.param]
    return Reference(path), load_checkpoint(str(path)), source


@pytest.mark.parametrize("right", RIGHT_CONTEXTS)
def test_encoder_tokens_and_emission_frames_equal_nemo_offline(model: Subject, right: int) -> None:
    reference, checkpoint, source = model
    context = next(context for context in reference.contexts if context[1] == right)
    jobs = audio_jobs(source, seed=right)
    engine = Engine(checkpoint, slots=7, hardware=Hardware("cpu", max_frames=70))
    heard = Feeder(engine, seed=right, keep_encoded=True).run(jobs, 80 * (right + 1), "en-US", at_once=7)
    assert engine.slots_used == 0
    worst, share, tokens = 0.0, 0.0, 0
    with torch.inference_mode():
        for job, audio in jobs.items():
            expected = reference.encode(torch.from_numpy(audio.astype(np.float32) / 32768), context)
            difference = encoder_difference(heard[job], expected)
            worst, share = max(worst, difference), max(share, difference / rounding(checkpoint, expected))
            assert (heard[job].tokens, heard[job].frames) == reference.decode(expected), f"{len(audio)} samples"
            tokens += len(heard[job].tokens)
    print(f"\n{reference.path.name} {context}: {len(jobs)} lengths, {tokens} tokens")
    print(f"encoder differs by {worst:.1e}, {share:.0%} of what rounding explains")
    assert share <= 1
    assert tokens > len(jobs), "audio that yields no words proves nothing about words"


def encoder_difference(heard: Heard, expected: torch.Tensor) -> float:
    encoded = torch.cat([torch.zeros(0, expected.shape[1]), *heard.encoded])
    assert encoded.shape == expected.shape
    return float((encoded - expected).abs().max()) if len(expected) else 0.0
