"""The features of a silence and the probability that they give."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from auricle_server.turns import TurnEvidence, VoiceSignals
from auricle_server.turns.fusion import (
    LONGEST_SILENCE,
    WITH_PROSODY,
    WITH_VOICE,
    WORDS,
    FusionWeights,
    features,
    likelihood,
    silence_of,
)

SECOND = 16_000
NAMES = [field.name for field in fields(FusionWeights)][1:]
SILENT = VoiceSignals(speech=0.1, speech_end=SECOND)


def named(evidence: TurnEvidence) -> dict[str, float]:
    return dict(zip(NAMES, features(evidence), strict=True))


def test_every_weight_has_its_feature() -> None:
    found = named(TurnEvidence(3 * SECOND, SECOND, "?", SECOND + 1600, True, "the", 0.9))
    assert found == pytest.approx(
        {
            "silence": 2.0,
            "long": 1.0,
            "longer": 0.7,
            "stop": 1.0,
            "stopped": 2.0,
            "late": 0.1,
            "pause": 0.0,
            "unfinished": 1.0,
            "spelled": 0.0,
            "confidence": 0.9,
            "utterance_ended": 1.0,
            "prosody": 0.0,
            "unjudged": 1.0,
        }
    )
    assert named(TurnEvidence(9 * SECOND, SECOND, ","))["silence"] == LONGEST_SILENCE
    assert named(TurnEvidence(9 * SECOND, SECOND, ","))["pause"] == 1.0


def test_a_score_counts_as_bounded_log_odds() -> None:
    evidence = TurnEvidence(2 * SECOND, SECOND, voice=replace(SILENT, complete=0.5))
    assert (named(evidence)["prosody"], named(evidence)["unjudged"]) == (0.0, 0.0)
    sure = [named(replace(evidence, voice=replace(SILENT, complete=value)))["prosody"] for value in (1.0, 0.0)]
    assert sure == pytest.approx([6.0, -6.0])


@pytest.mark.parametrize(
    ("evidence", "samples"),
    [
        (TurnEvidence(SECOND, None), 0),
        (TurnEvidence(2 * SECOND, SECOND), SECOND),
        (TurnEvidence(SECOND, 2 * SECOND), 0),
        (TurnEvidence(2 * SECOND, SECOND, voice=replace(SILENT, speech_end=SECOND // 2)), 3 * SECOND // 2),
        (TurnEvidence(2 * SECOND, SECOND, voice=replace(SILENT, speech=0.9)), 0),
        (TurnEvidence(2 * SECOND, SECOND, voice=replace(SILENT, speech_end=None)), SECOND),
    ],
)
def test_silence_is_measured_from_the_voice_where_there_is_one(evidence: TurnEvidence, samples: int) -> None:
    assert silence_of(evidence) == samples


def test_each_set_of_signals_has_its_weights() -> None:
    evidence = TurnEvidence(2 * SECOND, SECOND, confidence=0.0)
    for voice, weights in ((None, WORDS), (replace(SILENT, prosody=False), WITH_VOICE), (SILENT, WITH_PROSODY)):
        odds = weights.bias + weights.silence + weights.unjudged
        assert likelihood(replace(evidence, voice=voice)) == pytest.approx(1 / (1 + 2.718281828**-odds), abs=1e-4)
