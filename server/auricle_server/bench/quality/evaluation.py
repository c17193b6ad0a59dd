"""Runs the recordings through every system at every setting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from auricle.audio import seconds_of
from auricle_server.audio_files import SAMPLE_RATE, UnreadableAudio, read_pcm16
from auricle_server.bench.quality.clip_scores import EvaluatedClip
from auricle_server.bench.quality.recognisers.dialects import DIALECTS
from auricle_server.bench.quality.recognisers.interface import (
    Offer,
    Recogniser,
    RecogniserFailed,
)
from auricle_server.bench.quality.recordings import ManifestError, Recording
from auricle_server.bench.quality.setting_run import EvaluatedSystem, EvaluationOptions, EvaluationRow, SettingRun
from auricle_server.bench.quality.speech_spans import speech_of
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.checkpoints.progress import Report
from auricle_server.config import ServerConfig


async def prepare(recordings: Sequence[Recording], report: Report) -> list[EvaluatedClip]:
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
        report("reading recordings", number + 1, len(recordings))
    if problems:
        raise ManifestError.listing(recordings[0].path.parent, problems)
    return clips


async def evaluate_all(
    clips: Sequence[EvaluatedClip], systems: Sequence[EvaluatedSystem], options: EvaluationOptions, report: Report
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
            async with connected(system, report) as recogniser:
                await recogniser.offer()
    for system in systems:
        async with connected(system, report) as recogniser:
            offer = await recogniser.offer()
            latencies = latencies or offer.latencies_ms
            if not rows:
                _check_latencies(system, offer, latencies)
            for mode, latency in _settings(system, offer, options.modes, latencies):
                run = SettingRun(system, recogniser, offer, options, mode, latency)
                rows.append(await run.row(clips, report))
    return rows


@asynccontextmanager
async def connected(system: EvaluatedSystem, report: Report) -> AsyncIterator[Recogniser]:
    """The recogniser of a system, whose own server is started and stopped here.

    Raises:
        RecogniserFailed: The server cannot be started, or the address is no address.
    """
    async with AsyncExitStack() as resources:
        url = system.url or await _own_server(system.config, report, resources)
        yield await resources.enter_async_context(DIALECTS[system.dialect](url, system.api_key))


async def _own_server(config: ServerConfig | None, report: Report, resources: AsyncExitStack) -> str:
    # Late: with an address, nothing here needs torch.
    from auricle_server.checkpoints.errors import CheckpointError
    from auricle_server.serving.in_process_server import serve_locally

    try:
        return await resources.enter_async_context(serve_locally(config, report=report))
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
