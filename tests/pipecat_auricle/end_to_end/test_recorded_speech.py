"""Recorded speech through the bundled model and through what Pipecat does by default, voice detection included."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.resources import as_file, files
from itertools import pairwise
from json import loads

import numpy as np
import pytest
import soundfile
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    LLMContextFrame,
    TranscriptionFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameProcessor

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final
from auricle.protocol.settings import TurnSettings
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from pipecat_auricle import AuricleSTTService, TurnDetection
from tests.support.adapters.pipecat_pipeline import SAMPLE_RATE, Agent, Pcm, Tap, aggregator, pcm_frames, running

CLIP = 1
TRAILING_SECONDS = 3.5  # Pipecat's turn analyzer ends any turn after 3 s of silence


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serve_locally(ServerConfig(max_load=0)) as url:
        yield url


@pytest.fixture
def recording() -> Pcm:
    folder = files("auricle_server") / "demo" / "audio"
    entry = loads((folder / "manifest.json").read_text())[CLIP]
    with as_file(folder / entry["file"]) as path:
        pcm, rate = soundfile.read(path, dtype="int16")
    assert rate == SAMPLE_RATE
    return np.concatenate([pcm, np.zeros(round(TRAILING_SECONDS * rate), np.int16)])


def stops(tap: Tap) -> list[int]:
    """Bytes of audio before each stop of the voice detection: where the service has to ask for a final."""
    before, found = 0, []
    for frame in tap.frames:
        if isinstance(frame, InputAudioRawFrame):
            before += len(frame.audio)
        elif isinstance(frame, VADUserStoppedSpeakingFrame):
            found.append(before)
    return found


async def finals(url: str, pcm: bytes, turn: TurnSettings, asked_at: list[int]) -> list[str]:
    """What the server recognises in the audio without Pipecat, with finalizes at these places."""
    async with auricle.connect(url, start=Start(turn=turn)) as stream:
        for start, end in pairwise([0, *asked_at]):
            await stream.send(pcm[start:end])
            await stream.finalize()
        await stream.send(pcm[asked_at[-1] if asked_at else 0 :])
        await stream.end()
        return [event.text async for event in stream if isinstance(event, Final) and event.text]


def messages(agent: Agent) -> list[str]:
    """The user's messages in the model's context, at the end of the call."""
    contexts = [frame for frame in agent.down.frames if isinstance(frame, LLMContextFrame)]
    return [str(message["content"]) for message in contexts[-1].context.get_messages() if isinstance(message, dict)]


@pytest.mark.parametrize("turn_detection", ["vad", "server"])
async def test_what_was_said_reaches_the_model_as_turns(
    url: str, recording: Pcm, turn_detection: TurnDetection
) -> None:
    """Word for word what the server recognises in the same audio, cut at the same places."""
    stt, tap = AuricleSTTService(url=url, turn_detection=turn_detection, stall_timeout=60.0), Tap.downstream()
    vad: list[FrameProcessor] = [VADProcessor(vad_analyzer=SileroVADAnalyzer())] if turn_detection == "vad" else []
    async with running(*vad, stt, tap, aggregator()) as agent:
        await agent.send(*pcm_frames(recording))
        await agent.down.wait_for(UserStoppedSpeakingFrame)
    turn = TurnSettings(mode="off" if turn_detection == "vad" else "silence")
    expected = await finals(url, recording.tobytes(), turn, stops(tap))
    heard = messages(agent)
    assert expected
    assert [frame.text for frame in tap.frames if isinstance(frame, TranscriptionFrame)] == expected
    assert " ".join(heard) == " ".join(expected)
    assert len(agent.down.of(UserStartedSpeakingFrame)) == len(agent.down.of(UserStoppedSpeakingFrame)) == len(heard)
    # The aggregator takes the transcripts; none comes out at its end.
    assert not agent.down.of(TranscriptionFrame, InterimTranscriptionFrame)
