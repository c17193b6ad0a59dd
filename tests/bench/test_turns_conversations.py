"""Two small conversations through all stages: said, recorded, replayed and reported."""

from __future__ import annotations

import json
import random
import shutil
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.voice.audio_analyzer import SCHEDULE, AudioAnalyzer
from auricle_server.voice.models import find_models, load_models
from demo_model.audio.voices import SAMPLE_RATE
from tests.bench.turns import __main__ as program
from tests.bench.turns.conversations import GAP_SECONDS, Conversation, converse, read, synthesise, write
from tests.bench.turns.prosody import lengthened
from tests.bench.turns.recordings import recorded
from tests.bench.turns.scripts import PAUSE_SECONDS, SETS, belongs, scripts
from tests.bench.turns.signals import SIGNALS
from tests.bench.turns.traces import OVER, load_set

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="Flite is not installed")
COUNT = 1
RECORDINGS = Path(__file__).parents[1] / "data" / "speech"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One short conversation of each set."""
    folder = tmp_path_factory.mktemp("turns")
    for part in SETS:
        write(converse(part, 0, count=1), folder / part)
    return folder


@pytest.fixture(scope="module")
def said(folder: Path) -> Conversation:
    return read(folder / "tune" / "tune-0000.json")


def test_the_two_sets_share_no_sentence_and_each_sentence_has_a_set() -> None:
    texts = {part: {script.text for script in islice(scripts(random.Random(1), part), 200)} for part in SETS}
    assert not texts["tune"] & texts["held_out"]
    for text in ("I would like to book a table for two.", "Where is the station?"):
        assert [belongs(text, part) for part in SETS].count(True) == 1


def test_every_break_of_a_script_is_in_its_text_and_pauses_are_as_long_as_said() -> None:
    for script in islice(scripts(random.Random(2), "tune"), 200):
        for line in script.lines:
            for each in line.breaks:
                assert line.text.lower().startswith(each.before.lower())
                assert PAUSE_SECONDS[0] <= each.seconds <= PAUSE_SECONDS[1]


@pytest.mark.parametrize("factor", [1.0, 1.3, 2.0])
def test_a_drawn_out_tone_is_longer_at_the_same_pitch(factor: float) -> None:
    tone = np.sin(2 * np.pi * 200 * np.arange(4000) / SAMPLE_RATE).astype(np.float32)
    longer = lengthened(tone, factor)
    assert len(longer) == round(4000 * factor)
    loudest = np.argmax(np.abs(np.fft.rfft(longer * np.hanning(len(longer)))))
    assert loudest * SAMPLE_RATE / len(longer) == pytest.approx(200, abs=5)


@needs_flite
def test_a_conversation_is_always_the_same_and_is_not_made_twice(tmp_path: Path) -> None:
    (labels,) = synthesise(tmp_path, "tune", 1, 1)
    first, again = read(labels), converse("tune", 0)
    assert again.turns == first.turns
    np.testing.assert_array_equal(again.pcm, first.pcm)
    made = labels.stat().st_mtime_ns
    assert list(synthesise(tmp_path, "tune", 1, 1)) == [labels]
    assert labels.stat().st_mtime_ns == made


@needs_flite
def test_pauses_and_gaps_are_silent_and_turns_end_where_their_sound_ends() -> None:
    for index in (2, 7):
        made = converse("tune", index, count=2)
        level = np.convolve(np.abs(made.pcm / 32768), np.ones(160) / 160, "same")
        speech = np.median([level[turn.start : turn.end].max() for turn in made.turns])
        for turn in made.turns:
            assert level[turn.end - 1600 : turn.end + 480].max() > 4 * level[turn.end + 8000 : turn.end + 16_000].max()
            for pause in turn.pauses:
                middle = level[pause.start + 1000 : pause.end - 1000]
                assert middle.max(initial=0.0) < 0.2 * speech
        gaps = [after.start - before.end for before, after in zip(made.turns[:-1], made.turns[1:], strict=True)]
        assert all(gap >= GAP_SECONDS[0] * SAMPLE_RATE for gap in gaps)


@needs_flite
def test_all_stages_end_in_a_record_with_tables_and_a_picture(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--conversations", str(COUNT), "--processes", "1", "--cache", str(folder), "--out", str(tmp_path)]
    asked += ["--recordings", str(RECORDINGS)]
    monkeypatch.setattr(sys, "argv", ["turns", "synth", "trace", "fit", "report", *asked])
    program.main()
    made = json.loads((tmp_path / "turns-demo.json").read_text())["figures"]
    assert made["conversations"] == COUNT
    assert {each["name"] for each in made["systems"]} >= {"VAD only", "Auricle, silence", "Auricle, semantic"}
    assert set(made["signals"]["200"]["all"]) == set(SIGNALS)
    assert (tmp_path / "turns-demo.svg").read_text().count("<svg") == 1
    tables = (tmp_path / "turns-demo.md").read_text()
    assert tables.count("VAD only") == 2
    [found] = [line for line in tables.splitlines() if line.startswith("| recordings")]
    assert found.count("within") == 3
    people = made["recordings"]
    assert people["recordings"] == ["receive_the_side", "when_i_was_ten"]
    assert people["systems"]["VAD only"]["at_budget"]["1000"]["turns"] == 2
    assert "prosody: bias" in capsys.readouterr().out
    replayed_as_the_server_hears_it(folder)


def replayed_as_the_server_hears_it(folder: Path) -> None:
    """What traces replay is what the server's own ears say, and what was transcribed is what was said."""
    (trace,) = load_set(folder, "tune", (160,))
    conversation, heard = trace.conversation, trace.heard(160)
    ears = AudioAnalyzer(load_models(find_models()))
    ears.receive_audio(conversation.pcm.astype("<i2").tobytes())
    overs = [turn.end + OVER for turn in conversation.turns]
    judged = 0
    for each in heard:
        while overs and overs[0] <= each.position:
            ears.end_turn(overs.pop(0))
        voice = ears.voice_at(each.position)
        assert each.voice is not None
        assert each.voice.speech == pytest.approx(voice.speech)
        assert each.voice.speech_end == voice.speech_end
        if voice.complete is not None and each.voice.judged == voice.judged:
            judged += 1
            assert each.voice.complete == pytest.approx(voice.complete, abs=1e-3)
    assert judged >= len(SCHEDULE)


@needs_flite
@pytest.mark.parametrize(("suffix", "container"), [("wav", "WAV"), ("flac", "FLAC"), ("opus", "OGG")])
def test_a_recording_gets_its_pauses_and_its_end_from_the_voice(
    said: Conversation, tmp_path: Path, suffix: str, container: str
) -> None:
    turn = said.turns[0]
    codec = "OPUS" if suffix == "opus" else None
    pcm = said.pcm[: turn.end + SAMPLE_RATE]
    soundfile.write(tmp_path / f"turn.{suffix}", pcm, SAMPLE_RATE, format=container, subtype=codec)
    (found,) = recorded(tmp_path)
    assert found.turns[0].start == pytest.approx(turn.start, abs=0.2 * SAMPLE_RATE)
    assert found.turns[0].end == pytest.approx(turn.end, abs=0.25 * SAMPLE_RATE)
    long_ones = [pause for pause in turn.pauses if pause.end - pause.start > 0.5 * SAMPLE_RATE]
    assert len(found.turns[0].pauses) >= len(long_ones)
