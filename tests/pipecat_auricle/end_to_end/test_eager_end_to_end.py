"""Eager ends from a real server: the answer is used when the turn has ended, and dropped when it goes on."""

from __future__ import annotations

from pipecat.frames.frames import EagerEndOfTurnCancelFrame, LLMTextFrame, UserStartedSpeakingFrame

from pipecat_auricle import AuricleSTTService
from tests.support import tones
from tests.support.adapters.echo_llm import EchoLLM, Question
from tests.support.adapters.pipecat_pipeline import aggregator, audio, pcm_frames, running

SETTINGS = AuricleSTTService.Settings(silence_ms=1600, eager_silence_ms=640)
EAGER_PAUSE, FULL_PAUSE = 1.0, 1.2  # together longer than a turn's end needs, one alone not


async def test_the_answer_to_a_right_guess_is_used_and_to_a_wrong_one_thrown_away(tones_server: str) -> None:
    first, first_text = tones.utterance(seed=3, words=3, trailing=0.0)
    second, second_text = tones.utterance(seed=4, words=3, trailing=0.0)
    whole = f"{first_text} {second_text}"
    llm = EchoLLM()
    stt = AuricleSTTService(url=tones_server, turn_detection="server", settings=SETTINGS)
    async with running(stt, aggregator(), llm) as agent:
        await agent.send(*pcm_frames(first), *audio(EAGER_PAUSE))
        await llm.asked(first_text, speculative=True)
        await agent.send(*pcm_frames(second), *audio(EAGER_PAUSE))
        await agent.down.wait_for(EagerEndOfTurnCancelFrame)
        await llm.asked(whole, speculative=True)
        assert not agent.down.of(LLMTextFrame)
        await agent.send(*audio(FULL_PAUSE))
        answer = await agent.down.wait_for(LLMTextFrame)
        assert len(agent.down.of(UserStartedSpeakingFrame)) == 1
    assert answer.text == whole
    assert llm.questions == [Question(first_text, speculative=True), Question(whole, speculative=True)]
    assert agent.down.of(LLMTextFrame) == [answer]
