"""Where the models run: at once, or in threads that hand their answers back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

_T = TypeVar("_T")


class InferenceExecutor(Protocol):
    """Does what a stream's ears ask for."""

    def track(self, task: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """Runs Silero's `task` and hands its answer to `done`; one stream never has two at once."""
        ...

    def judge(self, task: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """Runs Smart Turn's `task` and hands its answer to `done`."""
        ...


class InlineExecutor:
    """Runs everything at once, where it is asked for."""

    def track(self, task: Callable[[], _T], done: Callable[[_T], None]) -> None:
        """See `InferenceExecutor.track`."""
        done(task())

    judge = track
