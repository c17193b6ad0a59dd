"""The names and rare words of the conversation as key terms: what is talked about is what the user says next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameProcessorSetup

from auricle.context_keyterms import context_keyterms

_LAST_MESSAGES = 20
_LOOK_SECONDS = 0.2
"""Between two looks at the context: no frame of Pipecat's tells that it has changed, whoever has changed it."""
_UPDATE_SECONDS = 1.0
"""Between two lists of key terms: a server takes one a second in the long run."""


class ConversationTerms:
    """Follows the context of one pipeline. Numbers only: the caller's clock comes in.

    Args:
        context: Of the language model; None for no terms.
        most: How many terms at most.

    Raises:
        ValueError: `most` is negative.

    Attributes:
        terms: Those of the context, as it was when it was last looked at.
    """

    def __init__(self, context: LLMContext | None, most: int) -> None:
        self.terms = context_keyterms((), most=most)
        self._context = context
        self._most = most
        self._texts: list[str] = []
        self._changed = False
        self._next_look = self._next_update = -math.inf

    def connected(self) -> None:
        """A stream begins, which has no terms of the context yet."""
        self._changed = bool(self.terms)

    def is_due(self, now: float) -> bool:
        """Whether the terms have changed, and are to be sent at `now`; the next are due a second later at the earliest.

        Args:
            now: Seconds of a monotonic clock.
        """
        if now >= self._next_look:
            self._next_look = now + _LOOK_SECONDS
            self._look()
        if not self._changed or now < self._next_update:
            return False
        self._changed, self._next_update = False, now + _UPDATE_SECONDS
        return True

    def _look(self) -> None:
        texts = [] if self._context is None else list(_texts(self._context.messages))
        if texts != self._texts:
            before, self._texts, self.terms = self.terms, texts, context_keyterms(texts, most=self._most)
            self._changed |= self.terms != before


def _texts(messages: Sequence[Any]) -> Iterator[str]:
    """What the first message, which is often the system's, and the last messages say."""
    latest = messages[-_LAST_MESSAGES:]
    # A message of one vendor's own has no common form.
    for message in [*messages[: len(messages) - len(latest)][:1], *latest]:
        if isinstance(message, Mapping):
            yield from _contents(message.get("content"))


def _contents(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list | tuple):  # parts, of which pictures and sounds have no text
        yield from (part["text"] for part in content if isinstance(part, Mapping) and isinstance(part.get("text"), str))


def begin_conversation(setup: FrameProcessorSetup) -> Any:
    """Begins the conversation's span, where the pipeline is traced, before the stream connects.

    Pipecat begins it itself at the StartFrame, unless it has begun; services have connected by then.

    Returns:
        Pipecat's ``TracingContext``; None where the pipeline is not traced, or this version has none.
    """
    context = getattr(setup, "tracing_context", None)
    observer = getattr(setup.pipeline_worker, "turn_trace_observer", None)
    if context is None or observer is None or not setup.enable_tracing:
        return None
    if context.get_conversation_context() is None:
        # The id that the application has given to the worker: Pipecat has no public way to it.
        observer.start_conversation_tracing(getattr(observer, "_conversation_id", None))
    return context
