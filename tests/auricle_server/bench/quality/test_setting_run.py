"""Recordings through one system: which of them, in which language, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.bench.quality.clip_scores import EvaluatedClip
from auricle_server.bench.quality.recognisers.dialects import NATIVE
from auricle_server.bench.quality.recognisers.interface import (
    Offer,
    Recognised,
    RecognisedSegment,
    RecogniserFailed,
    RecognitionSetting,
    RecordingFailed,
)
from auricle_server.bench.quality.recordings import Recording
from auricle_server.bench.quality.setting_run import EvaluatedSystem, EvaluationOptions, EvaluationRow, SettingRun
from auricle_server.bench.quality.speech_spans import SpeechSource
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.checkpoints.progress import silent

SYSTEM = EvaluatedSystem(name="server", dialect=NATIVE, url="ws://host")
ENGLISH = Offer("model", (80, 560), ("en-US",))
SEVERAL = Offer("model", (80, 560), ("auto", "en-US", "de-DE"))


class ScriptedRecogniser:
    """Hears in each recording how long it is, unless that is the length of one that fails."""

    def __init__(self, failing: int = 0, error: Exception | None = None) -> None:
        self.settings: list[RecognitionSetting] = []
        self.at_once = self.most_at_once = 0
        self._failing, self._error = failing, error

    async def offer(self) -> Offer:
        return ENGLISH

    async def recognise(self, pcm: bytes, setting: RecognitionSetting) -> Recognised:
        self.settings.append(setting)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        samples = len(pcm) // 2
        if self._error is not None and samples == self._failing:
            raise self._error
        return Recognised((RecognisedSegment(f"a{samples}", (), None, 0.0),), (), 0.0)


@pytest.fixture
def clips(tmp_path: Path) -> list[EvaluatedClip]:
    """Of 100, 200, ... samples; English, German, French, and of a language that is not named."""
    found = []
    for number, language in enumerate(("en-GB", "de", "fr", None), 1):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, np.zeros(100 * number), 16_000)
        recording = Recording(path.name, path, f"a{100 * number}", language)
        found.append(EvaluatedClip(recording, number / 160, SpeechSource.UNKNOWN, ()))
    return found


async def run(
    clips: list[EvaluatedClip],
    recogniser: ScriptedRecogniser,
    *,
    offer: Offer = ENGLISH,
    language: str | None = None,
    mode: StreamMode = StreamMode.LIVE,
    streams: int = 4,
) -> EvaluationRow:
    options = EvaluationOptions(language=language, streams=streams, realtime=True)
    latency = None if mode is StreamMode.OFFLINE else 80
    return await SettingRun(SYSTEM, recogniser, offer, options, mode, latency).row(clips, silent)


async def test_recordings_of_other_languages_are_left_out(clips: list[EvaluatedClip]) -> None:
    row = await run(clips, ScriptedRecogniser())
    assert list(row.scores) == [0, 3]
    assert row.unoffered == {"de": 1, "fr": 1}
    # A model of one language says by which rules a text is compared.
    assert (row.scores[0].language, row.scores[3].language) == ("en-GB", "en")


async def test_each_recording_is_told_its_language(clips: list[EvaluatedClip]) -> None:
    recogniser = ScriptedRecogniser()
    row = await run(clips, recogniser, offer=SEVERAL)
    assert (list(row.scores), row.unoffered) == ([0, 1, 3], {"fr": 1})
    assert {setting.language for setting in recogniser.settings} == {"en-GB", "de", None}
    assert row.scores[3].language is None


async def test_auto_asks_for_the_language_of_those_that_are_offered(clips: list[EvaluatedClip]) -> None:
    recogniser = ScriptedRecogniser()
    row = await run(clips, recogniser, offer=SEVERAL, language="auto")
    assert list(row.scores) == [0, 1, 3]
    assert {setting.language for setting in recogniser.settings} == {"auto"}
    assert row.figures.language_wrong.of == 2


async def test_who_names_a_language_wants_all_recordings(clips: list[EvaluatedClip]) -> None:
    recogniser = ScriptedRecogniser()
    row = await run(clips, recogniser, language="en")
    assert (list(row.scores), row.unoffered) == ([0, 1, 2, 3], {})
    assert {setting.language for setting in recogniser.settings} == {"en"}
    assert (row.scores[1].language, row.scores[3].language) == ("de", "en")


async def test_so_many_at_once_and_no_more(clips: list[EvaluatedClip]) -> None:
    recogniser = ScriptedRecogniser()
    await run(clips, recogniser, language="en", streams=2)
    assert recogniser.most_at_once == 2


async def test_a_file_has_no_speed_of_speech(clips: list[EvaluatedClip]) -> None:
    live, offline = ScriptedRecogniser(), ScriptedRecogniser()
    assert (await run(clips, live)).figures.finalize_to_final is not None
    assert (await run(clips, offline, mode=StreamMode.OFFLINE)).figures.finalize_to_final is None
    assert ({each.realtime for each in live.settings}, {each.realtime for each in offline.settings}) == (
        {True},
        {False},
    )


async def test_a_recording_that_fails_has_no_score_and_stops_no_other(clips: list[EvaluatedClip]) -> None:
    row = await run(clips, ScriptedRecogniser(200, RecordingFailed("the stream broke")), language="en")
    assert list(row.scores) == [0, 2, 3]
    assert row.failures == {1: "the stream broke"}
    assert row.figures.all.recordings == 3


async def test_a_recogniser_that_fails_ends_the_run(clips: list[EvaluatedClip]) -> None:
    with pytest.raises(RecogniserFailed, match="server: the key is wrong"):
        await run(clips, ScriptedRecogniser(200, RecogniserFailed("the key is wrong")), language="en")
