"""Phone labels, acoustic conditions, features and utterances."""

from __future__ import annotations

import random
import shutil

import numpy as np
import pytest
import torch

from demo_model.audio import acoustics, clips, codecs, espeak, phones, utterances, voices
from demo_model.dataset import TrainingExample, batches, collate, encoder_frames
from demo_model.network.features import Featurizer, mel_filters
from demo_model.texts.sentences import Sentence

RATE = 16_000
SPOKEN = [phones.Phone("hh", 0.0, 0.1), phones.Phone("ay", 0.1, 0.3)]


def speech(seconds: float) -> acoustics.Audio:
    generator = np.random.default_rng(0)
    return (0.1 * generator.standard_normal(int(seconds * RATE))).astype(np.float32)


@pytest.mark.parametrize("seed", range(12))
def test_every_acoustic_condition_keeps_length_and_limits(seed: int) -> None:
    condition = acoustics.draw(random.Random(seed))
    audio = speech(1.3)
    out = acoustics.apply(audio, condition, seed)
    assert out.dtype == np.float32
    assert len(out) == len(audio)
    assert np.abs(out).max() <= acoustics.PEAK_LIMIT + 1e-6
    np.testing.assert_array_equal(out, acoustics.apply(audio, condition, seed))


def test_silence_stays_finite_in_every_condition() -> None:
    for seed in range(12):
        out = acoustics.apply(np.zeros(8000, np.float32), acoustics.draw(random.Random(seed)), seed)
        assert np.isfinite(out).all()


def test_telephone_band_removes_high_frequencies() -> None:
    spectrum = np.abs(np.fft.rfft(codecs.mu_law(speech(1.0))))
    assert spectrum[4500:].mean() < 0.05 * spectrum[500:3000].mean()


def test_speed_changes_the_length() -> None:
    assert abs(len(acoustics.change_speed(speech(1.0), 1.25)) - RATE / 1.25) < 20


def test_labels_name_the_phone_in_the_middle_of_each_20_ms() -> None:
    grid = phones.labels(phones.shifted(SPOKEN, 0.1), 0.5)
    names = [phones.PHONES[label] for label in grid]
    assert names == ["pau"] * 5 + ["hh"] * 5 + ["ay"] * 10 + ["pau"] * 5


def test_labels_of_unknown_phones_are_ignored() -> None:
    assert set(phones.labels([phones.Phone(None, 0.0, 0.1)], 0.1).tolist()) == {phones.IGNORED}


def test_frame_k_is_labelled_with_the_80_ms_before_it() -> None:
    grid = np.arange(1, 13, dtype=np.int8)
    rows = phones.frame_labels(grid, 4)
    assert rows[0].tolist() == [phones.IGNORED] * 4
    assert rows[1].tolist() == [1, 2, 3, 4]
    assert rows[3].tolist() == [9, 10, 11, 12]


def test_synthesisers_phones_become_common_ones() -> None:
    events = phones.from_espeak([(0.0, "dZ"), (0.1, "O@"), (0.2, "weird"), (0.3, "_:")], 0.4)
    assert [phone.name for phone in events] == ["jh", "ao", None, "pau"]
    assert phones.speech_span(events) == (0.0, 0.3)
    assert phones.from_ends([("pau", 0.2), ("hh", 0.3)])[1] == phones.Phone("hh", 0.2, 0.3)


def test_features_have_one_row_for_every_10_ms() -> None:
    audio = torch.from_numpy(speech(0.987))
    mel = Featurizer(80)(audio)
    assert mel.shape == (len(audio) // 160, 80)
    assert float(Featurizer(80)(torch.zeros(1600)).max()) == pytest.approx(np.log(2.0**-24), abs=1e-4)
    assert mel_filters(80).shape == (80, 257)


def test_collated_batches_carry_labels_of_encoder_frames() -> None:
    examples = [
        TrainingExample(np.zeros((n, 80), np.float16), np.full(n // 2, 3, np.int8), "Hi.", "v", "g", True)
        for n in (100, 37)
    ]
    batch = collate(examples)
    assert batch.labels.shape[:2] == (2, encoder_frames(batch.mel.shape[1]))
    assert bool((batch.labels[1, encoder_frames(37) :] == phones.IGNORED).all())
    assert batch.mel_lengths.tolist() == [100, 37]
    assert sorted(len(e.mel) for group in batches(examples, 60.0, random.Random(0)) for e in group) == [37, 100]


def test_composed_turns_say_when_they_sound() -> None:
    said = [voices.Rendered(speech(0.3), SPOKEN), voices.Rendered(speech(0.3), SPOKEN)]
    plan = utterances.UtterancePlan(
        [Sentence("Hi.", "small_talk"), Sentence("Hi there.", "small_talk")], 0.5, [0.7], 0.4
    )
    made = utterances.compose(plan, said, "voice", acoustics.Acoustics(), 0)
    assert made.text == "Hi. Hi there."
    assert [(turn.start, turn.end) for turn in made.turns] == [(0.5, 0.8), (1.5, 1.8)]
    assert len(made.audio) == pytest.approx(2.2 * RATE, abs=2)
    assert len(clips.speaker_turns(made.turns)) == 1


def test_a_plan_without_sentences_is_an_utterance_without_text() -> None:
    made = utterances.compose(
        utterances.UtterancePlan([], 0.5, [], 0.5), [], "voice", acoustics.Acoustics(noise="pink"), 0
    )
    assert made.text == ""
    assert len(made.audio) == RATE


def espeak_works() -> bool:
    try:
        espeak.engine()
    except espeak.EspeakMissingError:
        return False
    return True


@pytest.mark.skipif(not espeak_works(), reason="espeak-ng is not installed")
def test_espeak_gives_audio_and_phones() -> None:
    (spoken,) = voices.EspeakVoice("en-US").render(["Hello there."], random.Random(0))
    assert 0.3 < len(spoken.audio) / RATE < 2
    assert [phone.name for phone in spoken.phones[:4]] == ["hh", "ax", "l", "ow"]


@pytest.mark.skipif(shutil.which("flite") is None, reason="Flite is not installed")
def test_flite_gives_audio_and_phones() -> None:
    (spoken,) = voices.FliteVoice("kal16").render(["Hello there."], random.Random(0))
    assert 0.3 < len(spoken.audio) / RATE < 2
    assert [phone.name for phone in spoken.phones][:4] == ["hh", "ax", "l", "ow"]


def test_a_missing_synthesiser_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(voices.SynthesiserMissingError, match="apt install festival"):
        voices.FestivalVoice("ked_diphone").render(["Hello."], random.Random(0))
