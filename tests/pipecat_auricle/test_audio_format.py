"""Frames of any rate and any number of channels: the server gets the stream's rate, mono, and all of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from pipecat.frames.frames import InputAudioRawFrame, MetricsFrame
from pipecat.metrics.metrics import STTUsageMetricsData
from pipecat.pipeline.worker import PipelineParams

from auricle.protocol.client_messages import Finalize
from pipecat_auricle import AuricleSTTService
from pipecat_auricle.audio_format import AudioConverter
from tests.support.adapters.pipecat_pipeline import Agent, running
from tests.support.scripted_server import ScriptedServer

Pcm = npt.NDArray[np.int16]


def tone(seconds: float, rate: int, hertz: float = 300.0) -> Pcm:
    return np.round(8000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.int16)


def stereo(left: Pcm, right: Pcm) -> Pcm:
    return np.stack((left, right), axis=1).reshape(-1)


def frames(pcm: Pcm, rate: int, channels: int = 1) -> list[InputAudioRawFrame]:
    """In pieces of 20 ms."""
    step = rate // 50 * channels
    return [
        InputAudioRawFrame(audio=pcm[at : at + step].tobytes(), sample_rate=rate, num_channels=channels)
        for at in range(0, len(pcm), step)
    ]


def assert_alike(audio: bytes, expected: Pcm) -> None:
    """As long, and within two hundredths of full scale: a resampler rounds, and fades its ends."""
    made = np.frombuffer(bytes(audio), np.int16)
    assert abs(len(made) - len(expected)) <= 1
    size = min(len(made), len(expected)) - 100
    np.testing.assert_allclose(made[100:size], expected[100:size], atol=650)


async def heard(server: ScriptedServer, agent: Agent, sent: list[InputAudioRawFrame]) -> bytes:
    """What the server has of these frames by the time of a stop of the voice detection."""
    session = await server.session()
    await agent.vad(speaking=True)
    await agent.send(*sent)
    await agent.vad(speaking=False)
    await session.next(Finalize)
    assert [frame for frame in agent.down.frames if isinstance(frame, InputAudioRawFrame)] == sent
    return bytes(session.audio)


@pytest.mark.parametrize(
    ("rate", "channels"), [(16_000, 2), (48_000, 1), (48_000, 2), (44_100, 2), (8_000, 1), (16_000, 4)]
)
async def test_frames_of_any_kind_arrive_as_the_streams(server: ScriptedServer, rate: int, channels: int) -> None:
    """They go down the pipeline as they were."""
    pcm = np.repeat(tone(1.0, rate), channels)
    async with running(AuricleSTTService(url=server.url)) as agent:
        audio = await heard(server, agent, frames(pcm, rate, channels))
    assert server.starts[0].sample_rate == 16_000
    assert_alike(audio, tone(1.0, 16_000))


async def test_two_parties_on_two_channels_are_both_heard(server: ScriptedServer) -> None:
    one, other = tone(0.5, 16_000), tone(0.5, 16_000, 470.0)
    async with running(AuricleSTTService(url=server.url)) as agent:
        audio = await heard(server, agent, frames(stereo(one, other), 16_000, 2))
    assert_alike(audio, ((one.astype(np.int32) + other) // 2).astype(np.int16))


async def test_channels_in_antiphase_do_not_cancel_to_silence(server: ScriptedServer) -> None:
    one = tone(0.5, 16_000)
    async with running(AuricleSTTService(url=server.url)) as agent:
        audio = await heard(server, agent, frames(stereo(one, -one), 16_000, 2))
    assert_alike(audio, one)


async def test_a_silent_channel_halves_the_other(server: ScriptedServer) -> None:
    one = tone(0.5, 16_000)
    async with running(AuricleSTTService(url=server.url)) as agent:
        audio = await heard(server, agent, frames(stereo(one, np.zeros_like(one)), 16_000, 2))
    assert_alike(audio, one // 2)


async def test_the_rate_may_change_in_mid_call(server: ScriptedServer) -> None:
    """As when a caller is handed to another device; nothing is lost where it does."""
    sent = [*frames(tone(0.5, 16_000), 16_000), *frames(np.repeat(tone(0.5, 48_000), 2), 48_000, 2)]
    sent += frames(tone(0.5, 8_000), 8_000)
    async with running(AuricleSTTService(url=server.url)) as agent:
        audio = await heard(server, agent, sent)
    assert len(audio) / 2 == pytest.approx(24_000, abs=3)
    for at in (0, 8_000, 16_000):
        # Between the joints, which fade for a millisecond.
        assert_alike(audio[2 * at + 200 : 2 * at + 15_800], tone(0.5, 16_000)[100:7_900])


async def test_a_pipeline_of_another_rate_is_the_measure(server: ScriptedServer) -> None:
    params = PipelineParams(audio_in_sample_rate=8_000)
    async with running(AuricleSTTService(url=server.url), params=params) as agent:
        audio = await heard(server, agent, frames(tone(0.5, 16_000), 16_000))
    assert server.starts[0].sample_rate == 8_000
    assert_alike(audio, tone(0.5, 8_000))


async def test_frames_of_two_kinds_may_take_turns(server: ScriptedServer) -> None:
    """Two users of different devices."""
    one, other = frames(tone(0.5, 16_000), 16_000), frames(tone(0.5, 48_000), 48_000)
    async with running(AuricleSTTService(url=server.url)) as agent:
        audio = await heard(server, agent, [frame for pair in zip(one, other, strict=True) for frame in pair])
    assert len(audio) / 2 == pytest.approx(16_000, abs=50)


async def test_usage_is_in_seconds_of_the_call(server: ScriptedServer) -> None:
    async with running(AuricleSTTService(url=server.url)) as agent:
        await heard(server, agent, frames(np.repeat(tone(1.0, 48_000), 2), 48_000, 2))
    usage = [data for frame in agent.down.of(MetricsFrame) for data in getattr(frame, "data", [])]
    seconds = sum(data.value.audio_seconds for data in usage if isinstance(data, STTUsageMetricsData))
    assert seconds == pytest.approx(1.0, abs=0.01)


def test_half_a_sample_is_dropped_and_loud_channels_do_not_overflow() -> None:
    converter = AudioConverter(16_000)
    assert converter.convert(b"\x01\x02\x03", 16_000, 1) == b"\x01\x02"
    loud = np.full(8, -32768, np.int16).tobytes() + b"\x01\x02\x03"
    assert converter.convert(loud, 16_000, 2) == np.full(4, -32768, np.int16).tobytes()
    assert converter.flush() == b""


def test_a_rate_that_a_transport_does_not_name_is_the_streams() -> None:
    assert AudioConverter(16_000).convert(b"\x01\x02", 0, 0) == b"\x01\x02"
