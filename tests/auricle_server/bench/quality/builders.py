"""Scores of recordings that nobody recorded: for tests of what is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from auricle.protocol.server_messages import Word
from auricle_server.bench.quality.clip_scores import ClipScore, EvaluatedClip
from auricle_server.bench.quality.quality_figures import quality_figures
from auricle_server.bench.quality.recognisers.dialects import NATIVE
from auricle_server.bench.quality.recognisers.interface import Recognised, RecognisedSegment, RecognitionSetting
from auricle_server.bench.quality.recordings import Recording, SpeechSpan
from auricle_server.bench.quality.setting_run import EvaluatedSystem, EvaluationRow
from auricle_server.bench.quality.speech_spans import SpeechSource
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.config import ServerConfig

SECONDS = 10.0


def words(text: str, times: Sequence[float] | None = None) -> tuple[Word, ...]:
    """Words of 0.2 s, one a second unless their starts are given."""
    starts = times or range(len(text.split()))
    return tuple(Word(word, at, at + 0.2, 0.9) for word, at in zip(text.split(), starts, strict=True))


def score(
    said: str,
    heard: str,
    *,
    language: str | None = "en",
    named: str | None = None,
    told: str | None = None,
    speech: Sequence[tuple[float, float]] | None = None,
    times: Sequence[float] | None = None,
    turn_ends: Sequence[float] = (),
    realtime: bool = False,
    arrived: float = 0.0,
    path: Path = Path("clip.wav"),
    spoken: str | None = None,
) -> ClipScore:
    """A recording in which `said` is said, and in which `heard` is recognised."""
    spans = tuple(SpeechSpan(start, end) for start, end in speech or ())
    source = SpeechSource.EMPTY if not said else SpeechSource.UNKNOWN if speech is None else SpeechSource.MANIFEST
    clip = EvaluatedClip(Recording(path.name, path, said, spoken), SECONDS, source, spans)
    setting = RecognitionSetting(StreamMode.LIVE, 560, told, realtime, "silence")
    segment = RecognisedSegment(heard, words(heard, times), named, arrived)
    return ClipScore(clip, language, setting, Recognised((segment,) if heard else (), tuple(turn_ends), 0.05))


def row(
    scores: Mapping[int, ClipScore],
    *,
    name: str = "server",
    cures: str | None = "profile",
    mode: StreamMode = StreamMode.LIVE,
    latency_ms: int | None = 560,
    system: EvaluatedSystem | None = None,
    failures: Mapping[int, str] | None = None,
    unoffered: Mapping[str, int] | None = None,
    wall_seconds: float = 1.0,
    realtime: bool = False,
) -> EvaluationRow:
    """A system at a setting."""
    config = None if cures is None else ServerConfig(cures=cures)
    url = None if config else "ws://secret.example:8765"
    return EvaluationRow(
        system=system or EvaluatedSystem(name=name, dialect=NATIVE, url=url, config=config, api_key="secret-key"),
        model="demo",
        mode=mode,
        latency_ms=latency_ms,
        scores=dict(scores),
        failures=dict(failures or {}),
        unoffered=dict(unoffered or {}),
        figures=quality_figures(list(scores.values()), wall_seconds, realtime=realtime),
    )
