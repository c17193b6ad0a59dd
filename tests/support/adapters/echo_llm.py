"""A language model in Pipecat's own service class, with its gate for early answers, that repeats what it is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService

from tests.support.scripted.script import PATIENCE


@dataclass(frozen=True)
class Question:
    """One inference: the user's words, and whether it was on the chance that they were all."""

    text: str
    speculative: bool


class EchoLLM(LLMService):
    """Answers each context with the user's last message.

    Attributes:
        questions: The inferences so far, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[Question] = []
        self._news = asyncio.Condition()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            await self._answer(frame)
        else:
            await self.push_frame(frame, direction)

    async def asked(self, text: str, *, speculative: bool) -> None:
        """Waits for this inference, and until the answer is on its way or held by the gate."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: Question(text, speculative) in self.questions)

    async def _answer(self, frame: LLMContextFrame) -> None:
        message = frame.context.get_messages()[-1]
        assert isinstance(message, dict)
        text = str(message["content"])
        await self.push_frame(LLMFullResponseStartFrame())
        await self.push_frame(LLMTextFrame(text))
        await self.push_frame(LLMFullResponseEndFrame())
        async with self._news:
            self.questions.append(Question(text, frame.speculation))
            self._news.notify_all()
