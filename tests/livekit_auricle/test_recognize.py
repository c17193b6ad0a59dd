"""Whole recordings: `STT.recognize`."""

from __future__ import annotations

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError
from livekit.plugins import auricle

from auricle.protocol import Update
from livekit.plugins.auricle.models import SESSION_FLUSHES
from tests.support import tones
from tests.support.adapters.livekit_session import frames
from tests.support.levels import Audio, audio, level_server

ONCE = APIConnectOptions(max_retry=0)


async def test_a_recording_takes_the_offline_lane() -> None:
    async with level_server() as server:
        stt = auricle.STT(url=server.url, latency_ms=80, turn_detection="server", refine="auto", language="de")
        event = await stt.recognize(frames(audio(0.2, "hello there")))
    (start,) = server.starts
    assert (start.offline, start.latency_ms, start.turn.mode) == (True, None, "off")
    assert (start.language, start.refine) == ("de", "auto")
    assert event.alternatives[0].text == "hello there"


async def test_a_real_server_gives_the_words_that_it_gives_for_a_file(tones_server: str) -> None:
    pcm, text = tones.utterance(seed=3, words=12, trailing=0.4)
    event = await auricle.STT(url=tones_server, latency_ms=80).recognize(frames(Audio(pcm, tones.SAMPLE_RATE, ())))
    data = event.alternatives[0]
    assert data.text == text
    assert len(data.words or ()) == 12


@pytest.mark.parametrize(("rate", "sent"), [(6_000, 16_000), (8_000, 8_000), (48_000, 48_000), (96_000, 16_000)])
async def test_it_takes_the_rates_that_a_stream_takes(rate: int, sent: int) -> None:
    said = audio(0.2, "hello there", 0.2, rate=rate)
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        event = await stt.recognize(frames(said))
        async with stt.stream() as stream:
            for frame in frames(said):
                stream.push_frame(frame)
            stream.end_input()
            streamed = [each.alternatives[0].text async for each in stream if each.alternatives]
    assert event.alternatives[0].text == "hello there"
    assert "hello there" in streamed
    assert server.starts[0].sample_rate == sent


async def test_it_takes_one_frame_and_frames_of_several_channels() -> None:
    said = audio(0.2, "hello there", 0.2)
    both = np.repeat(said.samples, 2)
    stereo = rtc.AudioFrame(both.tobytes(), said.rate, 2, len(said.samples))
    async with level_server() as server:
        stt = auricle.STT(url=server.url)
        for buffer in (stereo, [stereo], [*frames(audio(0.1)), stereo]):
            assert (await stt.recognize(buffer)).alternatives[0].text == "hello there"


@pytest.mark.parametrize(
    "buffer",
    [
        [],
        [rtc.AudioFrame(b"", 16_000, 1, 0)],
        rtc.AudioFrame(b"", 16_000, 1, 0),
        [*frames(audio(0.1)), *frames(audio(0.1, rate=8_000))],
    ],
    ids=["none", "empty-frames", "empty-frame", "two-rates"],
)
async def test_what_cannot_be_recognised_is_an_api_error_at_once(buffer: list[rtc.AudioFrame]) -> None:
    async with level_server() as server:
        with pytest.raises(APIError) as caught:
            await auricle.STT(url=server.url).recognize(buffer, conn_options=ONCE)
    # Before 1.8.9, LiveKit tries any error again, and names the attempts.
    error = caught.value if SESSION_FLUSHES else caught.value.__cause__ or caught.value
    assert isinstance(error, APIError)
    assert str(error).startswith(("recognize: the buffer", "recognize: the frames"))
    assert not error.retryable
    assert server.sessions == []


async def test_what_is_no_audio_is_an_api_error_too() -> None:
    with pytest.raises(APIError):
        await auricle.STT().recognize(["audio"], conn_options=ONCE)  # type: ignore[list-item]


async def test_the_sessions_key_terms_favour_recordings_too() -> None:
    async with level_server(takes_keyterms=True) as server:
        stt = auricle.STT(url=server.url, keyterms=["mine"])
        stt._update_session_keyterms(["theirs"])
        await stt.recognize(frames(audio("hello")))
    assert server.starts[0].keyterms == ("mine",)
    assert [item for item in server.received if isinstance(item, Update)] == [Update(keyterms=("mine", "theirs"))]
