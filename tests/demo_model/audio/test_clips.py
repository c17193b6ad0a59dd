"""The demo's clips: sentences that no training has heard, in the voices of a cast."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import soundfile

from demo_model.audio import clips
from demo_model.audio.acoustics import Acoustics
from demo_model.audio.phones import Phone
from demo_model.audio.voices import SAMPLE_RATE, Rendered
from demo_model.corpus.speakers import HELD_OUT
from demo_model.neural.kokoro import KokoroVoice
from demo_model.texts.sentences import Sentence, is_held_out

SECONDS = 2.5


class Hum:
    """A voice that needs no synthesiser, and keeps what it was asked to say."""

    name, starts_slowly = "hum", False

    def __init__(self) -> None:
        self.said: list[str] = []

    def render(self, texts: list[str], rng: random.Random) -> list[Rendered]:
        self.said += texts
        sound = np.sin(np.arange(round(SECONDS * SAMPLE_RATE)) / 9).astype(np.float32)
        return [Rendered(sound, [Phone("m", 0.0, SECONDS)]) for _ in texts]


PLANS = [plan for cast in clips.CASTS.values() for plan in cast]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.voice.name)
def test_what_is_said_is_held_out_and_fits_the_pauses(plan: clips.ClipPlan) -> None:
    assert all(map(is_held_out, plan.said))
    assert len(plan.said) in (0, len(plan.pauses) + 1)
    if isinstance(plan.voice, KokoroVoice):
        assert {plan.voice.first, plan.voice.second} & set(HELD_OUT)


def test_a_cast_becomes_files_and_their_manifest(tmp_path: Path) -> None:
    said = Sentence("Around eight would be perfect, please.", "bookings", "Um, around eight would be perfect, please.")
    drawn, told = Hum(), Hum()
    cast = (
        clips.ClipPlan(drawn, Acoustics(), (0.5,)),
        clips.ClipPlan(told, Acoustics(telephone=True), (1.5,), (said, Sentence("About eight would be great.", ""))),
    )
    clips.write(tmp_path, cast)
    first, second = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    assert drawn.said[-2:] == [part for part in drawn.said[-2:] if is_held_out(Sentence(part, ""))]
    assert first["text"] == " ".join(drawn.said[-2:])
    assert [turn["text"] for turn in first["turns"]] == [first["text"]]
    assert told.said == ["Um, around eight would be perfect, please.", "About eight would be great."]
    assert [turn["text"] for turn in second["turns"]] == [said.text, "About eight would be great."]
    assert second["condition"] == "telephone"
    for entry in (first, second):
        audio, rate = soundfile.read(tmp_path / entry["file"])
        assert (rate, len(audio) / rate) == (SAMPLE_RATE, pytest.approx(entry["duration"], abs=1e-3))
        assert entry["speech_end"] == pytest.approx(entry["duration"] - clips.TRAIL_SECONDS, abs=0.01)
