"""The multilingual class: a language prompt per stream, folded into the joint's projection, equals NeMo's own."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from auricle_server.checkpoints.known.lookup import profile_of
from auricle_server.checkpoints.languages import TRAINED
from auricle_server.checkpoints.load import Checkpoint, load_checkpoint, with_profile
from auricle_server.engine import Engine
from auricle_server.engine.build import Hardware
from tests.parity.conftest import Reference
from tests.parity.rounding import rounding
from tests.parity.tiny import PROMPTS, make_prompted
from tests.support import tones
from tests.support.feeding import Feeder

pytestmark = [pytest.mark.parity, pytest.mark.timeout(300)]

LANGUAGES = ("en-US", "fr-FR", "de-DE", "auto")
CARD = "nvidia/nemotron-3.5-asr-streaming-0.6b"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference(make_prompted(tmp_path_factory.mktemp("prompted") / "tiny.nemo"))


@pytest.fixture(scope="module")
def checkpoint(reference: Reference) -> Checkpoint:
    """As loaded here, with the context of 160 ms that the published model's card adds to the configuration's."""
    loaded, profile = load_checkpoint(str(reference.path)), profile_of(CARD)
    assert profile is not None
    assert loaded.config.encoder.contexts == ((56, 3), (56, 0), (56, 6), (56, 13))
    return replace(loaded, config=with_profile(loaded.config, profile), profile=profile)


def test_it_is_made_like_the_published_model(checkpoint: Checkpoint) -> None:
    assert checkpoint.config.prompt is not None
    assert checkpoint.config.prompt.dictionary == PROMPTS
    assert len(PROMPTS) == 121
    assert checkpoint.scores is not None
    assert sum(piece.startswith("<") and "-" in piece for piece in checkpoint.pieces) == 39


def test_tokens_equal_nemo_for_every_language_and_latency(reference: Reference, checkpoint: Checkpoint) -> None:
    engine = Engine(checkpoint, slots=6, hardware=Hardware("cpu", max_frames=56))
    assert engine.info.latencies_ms == (80, 160, 320, 560, 1120)
    assert engine.info.default_latency_ms == 320
    assert engine.info.languages[0] == "auto"
    assert set(engine.info.languages) == {"auto", *TRAINED}
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


@pytest.mark.parametrize("latency_ms", [80, 160, 320, 1120])
def test_languages_that_stand_in_one_batch_and_change_in_mid_stream_equal_nemo(
    reference: Reference, checkpoint: Checkpoint, latency_ms: int
) -> None:
    """Every frame is heard under the prompt of its chunk, whatever its neighbours in the batch are heard under."""
    engine = Engine(checkpoint, slots=6, hardware=Hardware("cpu", max_frames=84))
    rng = random.Random(latency_ms)
    switching = [Switching(engine, latency_ms, rng.randrange(1 << 30), LANGUAGES[job % 4]) for job in range(6)]
    together = [talk_on(engine, switching, rng) for _ in range(200) if any(each.talks for each in switching)]
    assert max(together) >= 3
    tokens = 0
    for each in switching:
        assert (each.tokens, each.frames) == offline_switching(reference, each, latency_ms // 80)
        tokens += len(each.tokens)
        assert len(set(each.languages)) >= 2
    assert tokens > 40


class Switching:
    """A stream whose language changes now and then."""

    def __init__(self, engine: Engine, latency_ms: int, seed: int, language: str) -> None:
        self.audio = tones.utterance(seed, 8)[0]
        self.lease = engine.open(latency_ms, language)
        self.switches, self.languages = [0], [language]
        self.pushed, self.talks = 0, True
        self.tokens: list[int] = []
        self.frames: list[int] = []

    def talk(self, engine: Engine, samples: int) -> None:
        engine.push(self.lease, self.audio[self.pushed : self.pushed + samples])
        self.pushed += samples
        if self.pushed >= len(self.audio):
            engine.flush(self.lease, 0, last=True)
            self.talks = False

    def switch(self, engine: Engine, language: str) -> None:
        engine.change(self.lease, language=language)
        self.switches.append(self.pushed)
        self.languages.append(language)

    def prompt(self, first: int) -> int:
        """Of the chunk whose first encoder frame is `first`: that of the last change before the start of its audio."""
        begins = 1280 * (first - 1) + 200 if first else 0
        newest = max(index for index, at in enumerate(self.switches) if at <= begins)
        return PROMPTS[self.languages[newest]]


def talk_on(engine: Engine, switching: list[Switching], rng: random.Random) -> int:
    """All streams hear some more, some in another language from there on; the most languages in one step."""
    for each in switching:
        if each.talks and rng.random() < 0.2:
            each.switch(engine, rng.choice(LANGUAGES))
        if each.talks:
            each.talk(engine, rng.choice((1280, 2560, 1000)))
    most = 0
    by_lease = {each.lease.id: each for each in switching}
    while engine.ready:
        rows = engine.step().rows()
        for row in rows:
            by_lease[row.lease.id].tokens += row.tokens
            by_lease[row.lease.id].frames += row.frames
        most = max(most, len({by_lease[row.lease.id].languages[-1] for row in rows}))
    return most


def offline_switching(reference: Reference, each: Switching, frames: int) -> tuple[list[int], list[int]]:
    """NeMo's encoder frames, those of each chunk under its prompt by NeMo's own module, decoded by NeMo."""
    with torch.inference_mode():
        encoded = reference.encode(torch.from_numpy(each.audio.astype(np.float32) / 32768), (56, frames - 1))
        under = {
            prompt: prompted(reference, encoded, prompt) for prompt in {PROMPTS[language] for language in LANGUAGES}
        }
        chunks = range(0, len(encoded), frames)
        return reference.decode(torch.cat([under[each.prompt(first)][first : first + frames] for first in chunks]))


def prompted(reference: Reference, encoded: torch.Tensor, prompt: int) -> torch.Tensor:
    """[T, d] as NeMo hands it to the joint for a prompt, [T, d]."""
    reference.model._inference_prompt_index = prompt
    return reference.model._apply_prompt_to_encoded(encoded.T[None])[0].T


def test_the_prompt_changes_what_is_heard(checkpoint: Checkpoint) -> None:
    engine = Engine(checkpoint, slots=4, device="cpu")
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
    checkpoint = load_checkpoint(str(reference.path))
    engine = Engine(checkpoint, slots=3, device="cpu")
    jobs = {job: tones.utterance(job, 2)[0] for job in range(6)}
    heard = Feeder(engine, seed=1, keep_encoded=True).run(jobs, 320, "auto", at_once=3)
    for job, audio in jobs.items():
        with torch.inference_mode():
            expected = reference.encode(torch.from_numpy(audio.astype(np.float32) / 32768), (56, 3))
        assert float((torch.cat(heard[job].encoded) - expected).abs().max()) <= rounding(checkpoint, expected)


def offline(reference: Reference, audio: tones.Pcm, context: tuple[int, int], prompt: int):
    with torch.inference_mode():
        encoded = reference.encode(torch.from_numpy(audio.astype(np.float32) / 32768), context)
        return reference.decode(prompted(reference, encoded, prompt))
