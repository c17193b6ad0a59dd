"""Runs the recordings through every system at every setting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from auricle.audio import seconds_of
from auricle.protocol.languages import AUTO, resolve
from auricle.protocol.settings import TurnMode
from auricle_server.audio_files import SAMPLE_RATE, UnreadableAudio, read_pcm16
from auricle_server.bench.quality.clip_scores import ClipScore, EvaluatedClip
from auricle_server.bench.quality.quality_figures import QualityFigures, quality_figures
from auricle_server.bench.quality.recognisers.dialects import DIALECTS
from auricle_server.bench.quality.recognisers.interface import (
    Offer,
    Recogniser,
    RecogniserFailed,
    RecognitionSetting,
    RecordingFailed,
)
from auricle_server.bench.quality.recordings import ManifestError, Recording
from auricle_server.bench.quality.speech_spans import speech_of
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.config import ServerConfig

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many recordings of it are done, and how many there are."""


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


async def prepare(recordings: Sequence[Recording], progress: Progress) -> list[EvaluatedClip]:
    """Reads every recording once, and finds out where somebody speaks.

    Raises:
        ManifestError: Some cannot be read as audio.
    """
    clips, problems = [], []
    for number, recording in enumerate(recordings):
        try:
            pcm = await asyncio.to_thread(read_pcm16, str(recording.path))
        except UnreadableAudio as error:
            problems.append(f"{recording.name}: {error}")
            continue
        source, speech = await asyncio.to_thread(speech_of, recording, pcm)
        clips.append(EvaluatedClip(recording, seconds_of(len(pcm), SAMPLE_RATE), source, speech))
        progress("reading recordings", number + 1, len(recordings))
    if problems:
        raise ManifestError.listing(recordings[0].path.parent, problems)
    return clips


async def evaluate_all(
    clips: Sequence[EvaluatedClip], systems: Sequence[EvaluatedSystem], options: EvaluationOptions, progress: Progress
) -> list[EvaluationRow]:
    """Evaluates one system after another, each at all modes and latencies.

    Raises:
        RecogniserFailed: A system cannot be used, or does not offer a latency, mode or language that was asked for.
    """
    rows: list[EvaluationRow] = []
    latencies = options.latencies_ms
    # A server that is not there is told before the others have worked for an hour.
    for system in systems:
        if system.url is not None:
            async with connected(system) as recogniser:
                await recogniser.offer()
    for system in systems:
        async with connected(system) as recogniser:
            offer = await recogniser.offer()
            latencies = latencies or offer.latencies_ms
            if not rows:
                _check_latencies(system, offer, latencies)
            for mode, latency in _settings(system, offer, options.modes, latencies):
                run = _SettingRun(system, recogniser, offer, options, mode, latency)
                rows.append(await run.row(clips, progress))
    return rows


@asynccontextmanager
async def connected(system: EvaluatedSystem) -> AsyncIterator[Recogniser]:
    """The recogniser of a system, whose own server is started and stopped here.

    Raises:
        RecogniserFailed: The server cannot be started, or the address is no address.
    """
    async with AsyncExitStack() as resources:
        url = system.url or await _own_server(system.config, resources)
        yield await resources.enter_async_context(DIALECTS[system.dialect](url, system.api_key))


async def _own_server(config: ServerConfig | None, resources: AsyncExitStack) -> str:
    # Late: with an address, nothing here needs torch.
    from auricle_server.checkpoints.errors import CheckpointError
    from auricle_server.serving.in_process_server import serve_locally

    try:
        return await resources.enter_async_context(serve_locally(config))
    except CheckpointError as error:
        raise RecogniserFailed(str(error)) from error


def _check_latencies(system: EvaluatedSystem, offer: Offer, latencies: Sequence[int]) -> None:
    """The first system must offer every latency; of others, those that it offers are compared."""
    missing = [latency for latency in latencies if latency not in offer.latencies_ms]
    if missing and offer.latencies_ms:
        raise RecogniserFailed(
            f"{system.name} does not offer {_listed(missing)}; {offer.model} has {_listed(offer.latencies_ms)}"
        )


def _settings(
    system: EvaluatedSystem, offer: Offer, modes: Sequence[StreamMode], latencies: Sequence[int]
) -> list[tuple[StreamMode, int | None]]:
    """Modes and latencies of a system; as a file a recording has no latency."""
    if missing := [mode.value for mode in modes if mode not in offer.modes]:
        raise RecogniserFailed(f"{system.name} does not offer the mode {', '.join(missing)}")
    if not offer.latencies_ms:
        return [(mode, None) for mode in modes]
    shared = [latency for latency in latencies if latency in offer.latencies_ms]
    if not shared:
        raise RecogniserFailed(
            f"{system.name} offers {_listed(offer.latencies_ms)}, and not {_listed(latencies)}: choose latencies that "
            "all systems offer"
        )
    return [
        setting
        for mode in modes
        for setting in ([(mode, None)] if mode is StreamMode.OFFLINE else [(mode, latency) for latency in shared])
    ]


def _listed(latencies: Sequence[int]) -> str:
    return f"{', '.join(map(str, latencies))} ms"


class _SettingRun:
    """All recordings through one recogniser at one setting."""

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

    async def row(self, clips: Sequence[EvaluatedClip], progress: Progress) -> EvaluationRow:
        offered = [(number, clip) for number, clip in enumerate(clips) if self._offers(clip.recording.language)]
        places, began = asyncio.Semaphore(self._options.streams), time.monotonic()
        label = f"{self._system.name}, {describe(self._mode, self._latency_ms)}"

        async def run(number: int, clip: EvaluatedClip) -> None:
            async with places:
                await self._one(number, clip)
            progress(label, len(self._scores) + len(self._failures), len(offered))

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
        return language is None or (told not in (None, AUTO)) or resolve(language, self._offer.languages) is not None

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


def describe(mode: StreamMode, latency_ms: int | None) -> str:
    """A setting in words."""
    return mode.value if latency_ms is None else f"{mode.value}, {latency_ms} ms"
