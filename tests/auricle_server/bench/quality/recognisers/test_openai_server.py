"""Recordings through a server of OpenAI's API, which is Auricle's own."""

from __future__ import annotations

import pytest

from auricle_server.bench.quality.recognisers.interface import RecogniserFailed, RecognitionSetting, RecordingFailed
from auricle_server.bench.quality.recognisers.openai_server import connect_openai
from auricle_server.bench.quality.stream_mode import StreamMode
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.support import tones

PCM, TEXT = tones.utterance(5, 12, trailing=1.5)


def address(tones_server: str) -> str:
    return tones_server.replace("ws", "http", 1) + "/v1"


@pytest.mark.parametrize("mode", [StreamMode.OFFLINE])
@pytest.mark.parametrize("language", [None, "en-US"])
async def test_the_words_come_back_with_their_times(tones_server: str, mode: StreamMode, language: str | None) -> None:
    setting = RecognitionSetting(mode, None, language, realtime=False, turns="silence")
    async with connect_openai(address(tones_server), None) as server:
        assert mode in (await server.offer()).modes
        found = await server.recognise(PCM.tobytes(), setting)
        silence = await server.recognise(bytes(64_000), setting)
    assert " ".join(found.text.split()) == TEXT
    words = [word for segment in found.segments for word in segment.words]
    assert [word.text for word in words] == TEXT.split()
    assert all(0 <= word.start < word.end <= len(PCM) / 16_000 for word in words)
    assert found.finalize_seconds > 0
    assert silence.segments == ()


async def test_a_server_that_is_not_there_is_of_no_use() -> None:
    setting = RecognitionSetting([StreamMode.OFFLINE][0], None, None, realtime=False, turns="silence")
    async with connect_openai(address("ws://127.0.0.1:9"), None) as server:
        with pytest.raises(RecogniserFailed, match="cannot reach"):
            await server.recognise(PCM.tobytes(), setting)


async def test_a_wrong_key_is_of_no_use_and_a_language_that_is_not_there_of_none_for_a_recording() -> None:
    setting = RecognitionSetting(StreamMode.OFFLINE, None, "xx", realtime=False, turns="silence")
    config = ServerConfig(model=str(tones.CHECKPOINT), max_load=0, api_keys=("right",))
    async with serve_locally(config) as url:
        async with connect_openai(address(url), "wrong") as server:
            with pytest.raises(RecogniserFailed, match="401"):
                await server.recognise(PCM.tobytes(), setting)
        async with connect_openai(address(url), "right") as server:
            with pytest.raises(RecordingFailed, match="400"):
                await server.recognise(PCM.tobytes(), setting)
