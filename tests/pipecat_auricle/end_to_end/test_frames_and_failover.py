"""Audio and servers as agents have them: exact words of a real model, whatever frames come, whichever server dies."""

from __future__ import annotations

from contextlib import AsyncExitStack

import numpy as np
import pytest
from pipecat.frames.frames import InputAudioRawFrame, InterimTranscriptionFrame, TranscriptionFrame
from pipecat.pipeline.service_switcher import ServiceSwitcher, ServiceSwitcherStrategyFailover

from auricle.resample import Resampler
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from pipecat_auricle import AuricleSTTService
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import SAMPLE_RATE, Agent, pcm_frames, running


def frames(pcm: tones.Pcm, rate: int, channels: int) -> list[InputAudioRawFrame]:
    """Of 20 ms; both channels have all of it."""
    resampler = Resampler(SAMPLE_RATE, rate)
    made = np.concatenate((resampler.push(pcm.astype(np.float32)), resampler.flush()))
    wide = np.repeat(np.clip(np.rint(made), -32768, 32767).astype(np.int16), channels)
    step = rate // 50 * channels
    return [
        InputAudioRawFrame(audio=wide[at : at + step].tobytes(), sample_rate=rate, num_channels=channels)
        for at in range(0, len(wide), step)
    ]


async def heard(agent: Agent) -> str:
    """Everything that became final by the last answer."""
    await agent.down.wait_for(TranscriptionFrame, lambda frame: frame.finalized)
    return " ".join(frame.text for frame in agent.down.frames if isinstance(frame, TranscriptionFrame))


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (16_000, 2)])
async def test_words_are_right_at_any_rate(tones_server: str, rate: int, channels: int) -> None:
    pcm, text = tones.utterance(seed=11, words=6, trailing=0.4)
    async with running(AuricleSTTService(url=tones_server)) as agent:
        await agent.vad(speaking=True)
        await agent.send(*frames(pcm, rate, channels))
        await agent.vad(speaking=False)
        assert await heard(agent) == text


async def test_no_word_is_lost_when_a_switcher_leaves_a_server(tones_server: str) -> None:
    pcm, text = tones.utterance(seed=12, words=8, trailing=0.4)
    half = len(pcm) // 2
    async with AsyncExitStack() as dying:
        url = await dying.enter_async_context(serve_locally(ServerConfig(max_load=0), model=str(tones.CHECKPOINT)))
        first, second = AuricleSTTService(url=url), AuricleSTTService(url=tones_server)
        switcher = ServiceSwitcher([first, second], ServiceSwitcherStrategyFailover)
        async with running(switcher) as agent:
            await agent.vad(speaking=True)
            await agent.send(*pcm_frames(pcm[:half]))
            await agent.down.wait_for(InterimTranscriptionFrame)
            await dying.aclose()
            await agent.send(*pcm_frames(pcm[half:]))
            await agent.vad(speaking=False)
            assert await heard(agent) == text
            assert (first.is_usable, second.is_usable) == (False, True)
