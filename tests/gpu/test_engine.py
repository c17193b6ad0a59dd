"""The CUDA path against the portable one on the CPU, which the parity tests hold against NeMo."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.cures import Cures
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from tests.support import tones
from tests.support.feeding import Feeder, Heard

LATENCIES = (80, 160, 560, 1120)
PORTABLE = Hardware("cpu")
EXACT = Hardware("cuda", dtype=torch.float32, keyterms=False)
FAST = Hardware("cuda", dtype=torch.bfloat16, keyterms=False)


def jobs(seed: int, count: int = 24) -> dict[int, tones.Pcm]:
    """Utterances cut at random places, some to nearly nothing."""
    rng = random.Random(seed)
    made = {}
    for job in range(count):
        audio = tones.utterance(rng.randrange(1 << 30), 5)[0]
        made[job] = audio[: rng.randrange(len(audio))] if job % 2 else audio
    return made | {count: np.zeros(0, np.int16), count + 1: np.ones(159, np.int16), count + 2: np.ones(1500, np.int16)}


def heard(
    checkpoint: Checkpoint, hardware: Hardware, latency_ms: int, seed: int = 0, at_once: int = 7
) -> dict[int, Heard]:
    engine = Engine(checkpoint, slots=at_once, hardware=hardware)
    engine.warm_up()  # captures the graphs
    return Feeder(engine, seed).run(jobs(latency_ms), latency_ms, "en-US", at_once)


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_in_fp32_tokens_and_frames_equal_the_portable_path(checkpoint: Checkpoint, latency_ms: int) -> None:
    expected, found = heard(checkpoint, PORTABLE, latency_ms), heard(checkpoint, EXACT, latency_ms)
    for job, one in expected.items():
        assert (found[job].tokens, found[job].frames) == (one.tokens, one.frames), f"job {job}"
    assert sum(len(one.tokens) for one in expected.values()) > 50


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_encoder_frames_equal_the_portable_path(checkpoint: Checkpoint, latency_ms: int) -> None:
    """fp32 within rounding, bf16 within 2 % (relative L2), computed by the kernels without graphs."""
    frames = {}
    for name, hardware in {"cpu": PORTABLE, "fp32": EXACT, "bf16": FAST}.items():
        eager = Hardware(hardware.device, hardware.dtype, static=False)
        engine = Engine(checkpoint, slots=4, hardware=eager)
        found = Feeder(engine, 3, keep_encoded=True).run(jobs(latency_ms, 8), latency_ms, "en-US", 4)
        frames[name] = torch.cat([chunk.cpu() for job in sorted(found) for chunk in found[job].encoded])
    assert float((frames["fp32"] - frames["cpu"]).abs().max()) <= 1e-4
    assert float((frames["bf16"] - frames["cpu"]).norm() / frames["cpu"].norm()) <= 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_graphs_find_what_the_same_kernels_find_without_them(checkpoint: Checkpoint, dtype: torch.dtype) -> None:
    """The same shapes, so even bf16 agrees."""
    sequences = []
    for captured in (True, False):
        engine = Engine(checkpoint, slots=1, hardware=Hardware("cuda", dtype))
        if captured:
            assert engine.warm_up()
        found = Feeder(engine, 5).run(jobs(5, 6), 160, "en-US", at_once=1)
        sequences.append([(found[job].tokens, found[job].frames) for job in sorted(found)])
    assert sequences[0] == sequences[1]


def test_words_stay_the_same_while_graphs_are_captured_between_steps(checkpoint: Checkpoint) -> None:
    expected, engine = heard(checkpoint, PORTABLE, 560), Engine(checkpoint, slots=40, hardware=EXACT)
    complete = engine.warm_up(0.0)
    while not complete:
        found = Feeder(engine, 0).run(jobs(560), 560, "en-US", 7)
        assert {job: one.tokens for job, one in found.items()} == {job: one.tokens for job, one in expected.items()}
        for _ in range(6):
            complete = engine.warm_up(0.0)


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_bf16_hears_the_same_words(checkpoint: Checkpoint, latency_ms: int) -> None:
    expected, found = heard(checkpoint, PORTABLE, latency_ms), heard(checkpoint, FAST, latency_ms)
    different = sum(one.tokens != found[job].tokens for job, one in expected.items())
    assert different <= 1, f"{different} of {len(expected)} streams differ"


def test_the_company_of_other_streams_changes_no_word_in_fp32(checkpoint: Checkpoint) -> None:
    alone, crowded = (heard(checkpoint, EXACT, 80, seed, at_once) for seed, at_once in ((1, 1), (2, 25)))
    for job, one in alone.items():
        assert (crowded[job].tokens, crowded[job].frames) == (one.tokens, one.frames)


def test_the_bundled_model_hears_the_same_on_both_devices() -> None:
    checkpoint = load_checkpoint("demo")
    rng = np.random.default_rng(0)
    audio = {
        job: np.concatenate([tones.utterance(job, 6)[0], rng.integers(-900, 900, 9000, np.int16)]) for job in range(6)
    }
    sequences = []
    for hardware in (PORTABLE, EXACT):
        found = Feeder(Engine(checkpoint, slots=6, hardware=hardware), 0).run(audio, 160, "en-US", 6)
        sequences.append([(found[job].tokens, found[job].frames) for job in audio])
    assert sequences[0] == sequences[1]


def test_slots_are_reused_while_a_batch_is_on_its_way(checkpoint: Checkpoint) -> None:
    audio, text = tones.utterance(11, 5)
    engine = Engine(checkpoint, slots=1, hardware=FAST)
    for _ in range(5):
        abandoned = engine.open(160, "en-US")
        engine.push(abandoned, audio)
        engine.step()
        engine.close(abandoned)
    lease = engine.open(160, "en-US")
    engine.push(lease, audio)
    engine.flush(lease, 0, last=True)
    tokens: list[int] = []
    while engine.ready:
        tokens += engine.step().tokens.tolist()
    assert "".join(engine.info.pieces[token] for token in tokens).replace("\u2581", " ").strip() == text


def test_warm_up_makes_every_shape_and_leaves_no_trace(checkpoint: Checkpoint) -> None:
    hardware = Hardware("cuda", torch.float32, max_frames=64)
    engine = Engine(checkpoint, slots=4, hardware=hardware)
    engine.warm_up()
    expected = heard(checkpoint, PORTABLE, 560)
    found = Feeder(engine, 0).run(jobs(560), 560, "en-US", 4)
    assert {job: one.tokens for job, one in found.items()} == {job: one.tokens for job, one in expected.items()}


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_cures_start_states_at_the_same_frames_with_a_batch_in_flight(checkpoint: Checkpoint, latency_ms: int) -> None:
    cures, pause = Cures(warm_up_seconds=1.12, refresh_seconds=5), np.zeros(12 * 16_000, np.int16)
    spoken = {job: tones.utterance(job, 4)[0] for job in range(10)}
    audio = {job: np.concatenate((spoken[job], pause, spoken[(job + 1) % 10])) for job in spoken}
    sequences, restarts = [], []
    for hardware in (PORTABLE, EXACT):
        engine = Engine(checkpoint, slots=10, hardware=hardware, cures=cures)
        found = Feeder(engine, 7).run(audio, latency_ms, "en-US", at_once=10)
        sequences.append([(found[job].tokens, found[job].frames) for job in sorted(found)])
        restarts.append(engine.restarts)
    assert sequences[0] == sequences[1]
    assert restarts[0] == restarts[1] >= 10
