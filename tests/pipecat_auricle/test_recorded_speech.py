"""Recorded speech through the bundled model and through what Pipecat does by default, voice detection included."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from importlib.resources import as_file, files
from json import loads

import numpy as np
import numpy.typing as npt
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
)
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameProcessor

from auricle_server.local import serve_locally
from pipecat_auricle import AuricleSTTService, TurnDetection
from tests.pipecat_auricle.harness import SAMPLE_RATE, aggregator, running

CLIP = 1
TRAILING_SECONDS = 3.5  # Pipecat's turn analyzer ends any turn after 3 s of silence

Pcm = npt.NDArray[np.int16]


def recording() -> tuple[Pcm, str]:
    folder = files("auricle_server") / "demo" / "audio"
    entry = loads((folder / "manifest.json").read_text())[CLIP]
    with as_file(folder / entry["file"]) as path:
        pcm, rate = soundfile.read(path, dtype="int16")
    assert rate == SAMPLE_RATE
    return np.concatenate([pcm, np.zeros(round(TRAILING_SECONDS * rate), np.int16)]), entry["text"]


def frames(pcm: Pcm) -> list[InputAudioRawFrame]:
    step = SAMPLE_RATE // 50
    pieces = [pcm[start : start + step].tobytes() for start in range(0, len(pcm), step)]
    return [InputAudioRawFrame(audio=piece, sample_rate=SAMPLE_RATE, num_channels=1) for piece in pieces]


def likeness(heard: str, said: str) -> float:
    """Share of the words that agree, whatever their case and punctuation."""
    ours, theirs = (re.findall(r"[\w']+", text.lower()) for text in (heard, said))
    return SequenceMatcher(None, ours, theirs, autojunk=False).ratio()


@pytest.mark.parametrize("turn_detection", ["vad", "server"])
async def test_what_was_said_reaches_the_model_as_turns(turn_detection: TurnDetection) -> None:
    pcm, text = recording()
    async with serve_locally() as url:
        stt = AuricleSTTService(url=url, turn_detection=turn_detection)
        vad: list[FrameProcessor] = [VADProcessor(vad_analyzer=SileroVADAnalyzer())] if turn_detection == "vad" else []
        async with running(*vad, stt, aggregator()) as agent:
            await agent.send(*frames(pcm))
            await agent.down.wait_for(UserStoppedSpeakingFrame)
    contexts = [frame for frame in agent.down.frames if isinstance(frame, LLMContextFrame)]
    messages = contexts[-1].context.get_messages()
    heard = " ".join(str(message["content"]) for message in messages if isinstance(message, dict))
    assert likeness(heard, text) > 0.8
    turns = len(agent.down.of(UserStartedSpeakingFrame))
    assert turns == len(agent.down.of(UserStoppedSpeakingFrame)) == len(messages)
    # The aggregator takes the transcripts; none comes out at its end.
    assert not agent.down.of(TranscriptionFrame, InterimTranscriptionFrame)
