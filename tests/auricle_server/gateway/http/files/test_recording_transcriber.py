"""One recording as its mix, and each channel by itself; and recordings that are damaged or too long."""

from __future__ import annotations

from contextlib import AsyncExitStack

import numpy as np
import numpy.typing as npt

from tests.auricle_server.audio_files.recordings import encoded
from tests.auricle_server.gateway.conftest import Serve
from tests.auricle_server.gateway.http.files.uploads import PCM, TEXT, WAVE, form, metric, posted
from tests.auricle_server.raw_client import connected_client
from tests.support import tones
from tests.support.native_answer import native_answer

OTHER, OTHER_TEXT = tones.utterance(11, 8)


def stereo() -> npt.NDArray[np.int16]:
    length = max(len(PCM), len(OTHER))
    return np.stack([np.pad(each, (0, length - len(each))) for each in (PCM, OTHER)], axis=1)


async def test_channels_are_transcribed_each_by_itself(url: str) -> None:
    both = stereo()
    natives = [await native_answer(url, both[:, each].tobytes(), offline=True) for each in (0, 1)]
    recording = encoded("FLAC", "PCM_16", both)
    async with posted(url, form(recording, response_format="diarized_json")) as answer:
        segments = (await answer.json())["segments"]
    for speaker, native in zip("AB", natives, strict=True):
        own = [segment for segment in segments if segment["speaker"] == speaker]
        assert [segment["text"] for segment in own] == [final["text"] for final in native.finals if final["text"]]
    assert " ".join(segment["text"] for segment in segments if segment["speaker"] == "B") == OTHER_TEXT
    assert [segment["start"] for segment in segments] == sorted(segment["start"] for segment in segments)


async def test_all_channels_have_a_slot_or_none(url: str) -> None:
    recording = encoded("FLAC", "PCM_16", stereo())
    async with AsyncExitStack() as held:
        for _ in range(5):
            await (await held.enter_async_context(connected_client(url))).start()
        async with posted(url, form(recording, response_format="diarized_json")) as answer:
            assert answer.status == 503
        async with posted(url, form()) as answer:  # the slot of the first channel is free again
            assert (await answer.json())["text"] == TEXT


async def test_too_many_channels_are_not_split(url: str) -> None:
    recording = encoded("WAV", "PCM_16", np.zeros((1600, 9), np.int16))
    async with posted(url, form(recording, response_format="diarized_json")) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["message"] == "the recording has 9 channels; at most 8 can be split"


async def test_of_a_damaged_recording_comes_what_can_be_read(url: str) -> None:
    flac = encoded("FLAC", "PCM_16", PCM)
    async with posted(url, form(flac[: len(flac) * 2 // 3])) as answer:
        text = (await answer.json())["text"]
        assert answer.headers["Auricle-Notice"].startswith("the recording is damaged")
    assert text
    assert TEXT.startswith(text[:-5])


async def test_a_recording_that_is_too_long_takes_no_slot(serve: Serve) -> None:
    async with serve(stream_seconds=2.0) as url:
        async with posted(url, form(WAVE)) as answer:
            assert answer.status == 400
            error = (await answer.json())["error"]
            assert error["code"] == "stream_too_long"
            assert error["message"].endswith("at most 2 s are transcribed in one request")
        assert await metric(url, "auricle_audio_seconds_total") == 0


async def test_what_the_model_cannot_do_is_refused_in_words(url: str) -> None:
    async with posted(url, form(language="xx")) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["code"] == "unsupported_language"
    async with posted(url, form(), path="/v1/audio/transcriptions?latency_ms=77") as answer:
        assert (await answer.json())["error"]["code"] == "unsupported_latency"
    async with posted(url, form(), path="/v1/audio/transcriptions?latency_ms=160") as answer:
        assert (await answer.json())["text"] == TEXT
