"""The multilingual class: a language prompt per stream, folded into the joint's projection, equals NeMo's own."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from tests.parity.conftest import Reference
from tests.parity.tiny import PROMPTS, make_prompted
from tests.support import tones
from tests.support.feeding import Feeder

pytestmark = [pytest.mark.parity, pytest.mark.timeout(300)]

LANGUAGES = ("en-US", "fr-FR", "de-DE", "auto")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference(make_prompted(tmp_path_factory.mktemp("prompted") / "tiny.nemo"))


def test_tokens_equal_nemo_for_every_language_and_latency(reference: Reference) -> None:
    engine = Engine(load_checkpoint(str(reference.path)), slots=6, hardware=Hardware("cpu", max_frames=56))
    assert engine.info.latencies_ms == (80, 160, 320, 560, 1120)
    assert set(engine.info.languages) == set(PROMPTS)
    rng, tokens = random.Random(0), 0
    for latency_ms in engine.info.latencies_ms:
        context = (56, latency_ms // 80 - 1)
        for language in LANGUAGES:
            jobs = {job: tones.utterance(rng.randrange(1 << 30), 3)[0] for job in range(4)}
            heard = Feeder(engine, seed=latency_ms).run(jobs, latency_ms, language, at_once=4)
            for job, audio in jobs.items():
                expected = offline(reference, audio, context, PROMPTS[language])
                assert (heard[job].tokens, heard[job].frames) == expected
                tokens += len(heard[job].tokens)
    assert tokens > 200


def test_the_prompt_changes_what_is_heard(reference: Reference) -> None:
    engine = Engine(load_checkpoint(str(reference.path)), slots=4, device="cpu")
    audio = tones.utterance(5, 6)[0]
    heard = [Feeder(engine, seed=0).run({0: audio}, 160, language, 1)[0].tokens for language in LANGUAGES]
    assert len({tuple(tokens) for tokens in heard}) >= 3


def test_a_hybrid_with_a_prompt_equals_nemo(tmp_path: Path) -> None:
    reference = Reference(make_prompted(tmp_path / "hybrid.nemo", "EncDecHybridRNNTCTCBPEModelWithPrompt"))
    engine = Engine(load_checkpoint(str(reference.path)), slots=2, device="cpu")
    audio = {job: tones.utterance(job, 3)[0] for job in range(2)}
    for language in ("fr-FR", "auto"):
        heard = Feeder(engine, seed=1).run(audio, 320, language, at_once=2)
        for job, sound in audio.items():
            expected = offline(reference, sound, (56, 3), PROMPTS[language])
            assert (heard[job].tokens, heard[job].frames) == expected
            assert heard[job].tokens


def test_an_encoder_with_biases_and_scaled_input_equals_nemo(tmp_path: Path) -> None:
    reference = Reference(make_prompted(tmp_path / "biased.nemo", use_bias=True, xscaling=True, n_layers=3))
    engine = Engine(load_checkpoint(str(reference.path)), slots=3, device="cpu")
    jobs = {job: tones.utterance(job, 2)[0] for job in range(6)}
    heard = Feeder(engine, seed=1, keep_encoded=True).run(jobs, 320, "auto", at_once=3)
    for job, audio in jobs.items():
        with torch.inference_mode():
            expected = reference.encode(torch.from_numpy(audio.astype(np.float32) / 32768), (56, 3))
        assert float((torch.cat(heard[job].encoded) - expected).abs().max()) <= 1e-5


def offline(reference: Reference, audio: tones.Pcm, context: tuple[int, int], prompt: int):
    with torch.inference_mode():
        encoded = reference.encode(torch.from_numpy(audio.astype(np.float32) / 32768), context)
        reference.model._inference_prompt_index = prompt
        return reference.decode(reference.model._apply_prompt_to_encoded(encoded.T[None])[0].T)
