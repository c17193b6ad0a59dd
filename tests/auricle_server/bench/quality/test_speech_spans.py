"""Where somebody speaks: by the manifest, by an empty text, by Silero."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from auricle_server.bench.clips import BenchClip, load_clips
from auricle_server.bench.quality import speech_spans
from auricle_server.bench.quality.recordings import Recording, SpeechSpan
from auricle_server.bench.quality.speech_spans import SpeechSource, is_inside, is_silent, speech_of
from auricle_server.voice.models import ModelFiles


def recording(text: str = "Hello.", speech: tuple[SpeechSpan, ...] | None = None) -> Recording:
    return Recording("a.wav", Path("a.wav"), text, None, speech)


def test_the_manifest_knows_best() -> None:
    known = (SpeechSpan(1.0, 2.0),)
    assert speech_of(recording(speech=known), b"") == (SpeechSource.MANIFEST, known)


def test_in_an_empty_text_nobody_speaks() -> None:
    assert speech_of(recording(""), b"") == (SpeechSource.EMPTY, ())


@pytest.fixture(scope="module")
def clip() -> BenchClip:
    return load_clips()[0]


def test_silero_hears_where_somebody_speaks(clip: BenchClip) -> None:
    pytest.importorskip("onnxruntime", reason="the extra [turns] brings it")
    pytest.importorskip("pipecat", reason="the extra [turns] brings it")
    source, found = speech_of(recording(), clip.pcm.tobytes())
    assert source is SpeechSource.SILERO
    assert found[0].start == pytest.approx(clip.speech_start, abs=0.3)
    assert found[-1].end == pytest.approx(clip.speech_end, abs=0.3)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_speech_up_to_the_end_ends_there(clip: BenchClip) -> None:
    pytest.importorskip("onnxruntime", reason="the extra [turns] brings it")
    pytest.importorskip("pipecat", reason="the extra [turns] brings it")
    cut = clip.pcm[: round((clip.speech_start + 1.0) * 16_000)]
    _, found = speech_of(recording(), cut.tobytes())
    assert found[-1].end == pytest.approx(len(cut) / 16_000, abs=0.1)


def test_without_silero_it_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_spans, "find_models", lambda: ModelFiles(missing="not installed"))
    assert speech_of(recording(), np.zeros(16_000, np.int16).tobytes()) == (SpeechSource.UNKNOWN, ())


def test_a_margin_around_speech_is_no_silence() -> None:
    speech = [SpeechSpan(1.0, 2.0), SpeechSpan(5.0, 6.0)]
    assert is_silent(3.0, 3.5, speech)
    assert not is_silent(2.2, 2.5, speech)
    assert not is_silent(4.0, 4.8, speech)
    assert is_silent(0.0, 0.6, speech)
    assert [is_inside(moment, speech) for moment in (0.5, 1.5, 3.0, 5.5)] == [False, True, False, True]
