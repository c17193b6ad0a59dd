"""A speaker who stops to think: one turn in semantic mode, two by silence; with a real pipeline and server."""

from __future__ import annotations

import pytest
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    ProposedUserStoppedSpeakingFrame,
    STTUpdateSettingsFrame,
    TranscriptionFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)

from auricle_server.config import ServerConfig
from auricle_server.demo.scores import count_errors
from auricle_server.serving.in_process_server import serve_locally
from pipecat_auricle import AuricleSTTService
from tests.support.adapters.pipecat_pipeline import Tap, aggregator, pcm_frames, running
from tests.support.audio.hesitation import AFTER, BEFORE, hesitation

Settings = AuricleSTTService.Settings
PAUSE, TRAILING = 0.8, 2.5
SEMANTIC = Settings(turn_mode="semantic", end_threshold=0.9, max_silence_ms=1_500)
BY_SILENCE = Settings(silence_ms=500)


def words_wrong(text: str) -> int:
    errors, _ = count_errors(f"{BEFORE} {AFTER}", text)
    return errors


def user_messages(frames: list[Frame]) -> list[str]:
    """The user's messages in the model's context, at the end of the call."""
    context = [frame for frame in frames if isinstance(frame, LLMContextFrame)][-1].context
    return [str(message["content"]) for message in context.get_messages() if isinstance(message, dict)]


@pytest.mark.parametrize(("settings", "turns"), [(SEMANTIC, 1), (BY_SILENCE, 2)])
async def test_a_pause_in_a_sentence_ends_a_turn_only_by_silence(settings: object, turns: int) -> None:
    async with serve_locally(ServerConfig(max_load=0)) as url:
        stt = AuricleSTTService(url=url, turn_detection="server", settings=settings, stall_timeout=60.0)  # type: ignore[arg-type]  # parametrized
        tap = Tap.downstream()
        async with running(stt, tap, aggregator()) as agent:
            await agent.send(*pcm_frames(hesitation(PAUSE, TRAILING)))
            for _ in range(turns):
                await agent.down.wait_for(UserStoppedSpeakingFrame)
    heard = user_messages(agent.down.frames)
    finals = [frame for frame in tap.frames if isinstance(frame, TranscriptionFrame)]
    assert len(heard) == len(finals) == len(agent.down.of(UserStartedSpeakingFrame)) == turns
    assert all(frame.finalized for frame in finals)
    assert words_wrong(" ".join(heard)) <= 2


async def test_the_mode_changes_in_a_running_call() -> None:
    """In mid-turn: the words that are waiting for its end stay in it."""
    async with serve_locally(ServerConfig(max_load=0)) as url:
        stt = AuricleSTTService(url=url, turn_detection="server", settings=BY_SILENCE, stall_timeout=60.0)
        async with running(stt) as agent:
            spoken = pcm_frames(hesitation(PAUSE, TRAILING))
            await agent.send(*spoken[:50], STTUpdateSettingsFrame(delta=SEMANTIC), *spoken[50:])
            await agent.down.wait_for(ProposedUserStoppedSpeakingFrame)
    (frame,) = agent.down.of(TranscriptionFrame)
    assert isinstance(frame, TranscriptionFrame)
    assert words_wrong(frame.text) <= 2
