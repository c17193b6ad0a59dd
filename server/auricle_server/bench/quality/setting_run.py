"""All recordings through one system at one setting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from auricle.protocol.languages import AUTO, resolve
from auricle.protocol.settings import TurnMode
from auricle_server.audio_files import read_pcm16
from auricle_server.bench.quality.clip_scores import ClipScore, EvaluatedClip
from auricle_server.bench.quality.quality_figures import QualityFigures, quality_figures
from auricle_server.bench.quality.recognisers.interface import (
    Offer,
    Recogniser,
    RecogniserFailed,
    RecognitionSetting,
    RecordingFailed,
)
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.checkpoints.progress import Report
from auricle_server.config import ServerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedSystem:
    """A server to evaluate.

    Attributes:
        name: In tables and reports.
        dialect: Its protocol, a key of `DIALECTS`.
        url: Its address; None starts a server with `config` for the time of its runs.
        config: Of that server.
        api_key: Opens it.
    """

    name: str
    dialect: str
    url: str | None = None
    config: ServerConfig | None = None
    api_key: str | None = field(default=None, repr=False)

    @property
    def cures(self) -> str | None:
        """The cures of an own server; None of others."""
        return None if self.config is None else self.config.cures


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """How all systems are evaluated.

    Attributes:
        modes: At least one.
        latencies_ms: Chunk latencies; empty takes all that the first system's model has.
        language: Code or ``"auto"`` for all recordings; None takes the language of each.
        realtime: Whether the audio is sent at the speed of speech.
        streams: Recordings streamed at once.
        turns: How turn ends are detected.
    """

    modes: tuple[StreamMode, ...] = (StreamMode.LIVE,)
    latencies_ms: tuple[int, ...] = ()
    language: str | None = None
    realtime: bool = False
    streams: int = 4
    turns: TurnMode = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """One system at one setting.

    Attributes:
        system: The system.
        model: Name of its model.
        mode: How the recordings were streamed.
        latency_ms: Chunk latency; None for files and for systems without that setting.
        scores: By the index of the recording.
        failures: Why recordings have no score, by their index.
        unoffered: Recordings left out because the model does not offer their language, by that language.
        figures: Of all scores.
    """

    system: EvaluatedSystem
    model: str
    mode: StreamMode
    latency_ms: int | None
    scores: dict[int, ClipScore]
    failures: dict[int, str]
    unoffered: dict[str, int]
    figures: QualityFigures


def describe(mode: StreamMode, latency_ms: int | None) -> str:
    """A setting in words."""
    return mode.value if latency_ms is None else f"{mode.value}, {latency_ms} ms"


class SettingRun:
    """All recordings through one recogniser at one setting.

    Args:
        system: The system of the recogniser.
        recogniser: Connected to it.
        offer: What it offers.
        options: Of the whole evaluation.
        mode: How the recordings are streamed.
        latency_ms: Chunk latency; None for files and for systems without that setting.
    """

    def __init__(
        self,
        system: EvaluatedSystem,
        recogniser: Recogniser,
        offer: Offer,
        options: EvaluationOptions,
        mode: StreamMode,
        latency_ms: int | None,
    ) -> None:
        self._system, self._recogniser, self._offer, self._options = system, recogniser, offer, options
        self._mode, self._latency_ms = mode, latency_ms
        # A file has no speed of speech.
        self._realtime = options.realtime and mode is not StreamMode.OFFLINE
        self._scores: dict[int, ClipScore] = {}
        self._failures: dict[int, str] = {}

    async def row(self, clips: Sequence[EvaluatedClip], report: Report) -> EvaluationRow:
        """Streams the recordings, some at once, and scores them.

        Raises:
            RecogniserFailed: The recogniser is of no use for any recording.
        """
        offered = [(number, clip) for number, clip in enumerate(clips) if self._offers(clip.recording.language)]
        places, began = asyncio.Semaphore(self._options.streams), time.monotonic()
        label = f"{self._system.name}, {describe(self._mode, self._latency_ms)}"

        async def run(number: int, clip: EvaluatedClip) -> None:
            async with places:
                await self._one(number, clip)
            report(label, len(self._scores) + len(self._failures), len(offered))

        try:
            async with asyncio.TaskGroup() as group:
                for number, clip in offered:
                    group.create_task(run(number, clip))
        except* RecogniserFailed as failed:
            raise RecogniserFailed(f"{self._system.name}: {failed.exceptions[0]}") from failed
        scores = dict(sorted(self._scores.items()))
        figures = quality_figures(list(scores.values()), time.monotonic() - began, realtime=self._realtime)
        return EvaluationRow(
            system=self._system,
            model=self._offer.model,
            mode=self._mode,
            latency_ms=self._latency_ms,
            scores=scores,
            failures=dict(sorted(self._failures.items())),
            unoffered=self._unoffered(clips),
            figures=figures,
        )

    async def _one(self, number: int, clip: EvaluatedClip) -> None:
        setting = RecognitionSetting(
            self._mode, self._latency_ms, self._asked(clip.recording.language), self._realtime, self._options.turns
        )
        pcm = await asyncio.to_thread(read_pcm16, str(clip.recording.path))
        try:
            found = await self._recogniser.recognise(pcm, setting)
        except RecordingFailed as error:
            self._failures[number] = str(error)
        else:
            self._scores[number] = ClipScore(clip, self._written(clip.recording.language), setting, found)

    def _offers(self, language: str | None) -> bool:
        """Whether a recording of this language is evaluated. Who names one language for all means all."""
        told = self._options.language
        offered = self._offer.languages
        if language is None or told not in (None, AUTO) or not offered:
            return True
        return resolve(language, offered) is not None

    def _unoffered(self, clips: Sequence[EvaluatedClip]) -> dict[str, int]:
        left_out = [clip.recording.language or "" for clip in clips if not self._offers(clip.recording.language)]
        return {language: left_out.count(language) for language in sorted(set(left_out))}

    def _asked(self, language: str | None) -> str | None:
        """The language that the stream is told."""
        return self._options.language or language

    def _written(self, language: str | None) -> str | None:
        """The language by which texts are normalised: of the recording, else as told, else the model's only one."""
        told = self._options.language
        if language is not None or told not in (None, AUTO):
            return language or told
        only = {code.partition("-")[0] for code in self._offer.languages}
        return only.pop() if len(only) == 1 else None
