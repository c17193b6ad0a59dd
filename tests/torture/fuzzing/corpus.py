"""Messages of every type, as Hypothesis finds them: what mutations begin with."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from auricle.protocol.codec import encode_client, encode_event
from tests.auricle.protocol import strategies

T = TypeVar("T")


def client_texts(count: int, number: int) -> list[str]:
    """`count` or fewer texts of valid client messages; the same for the same seed `number`."""
    return [encode_client(message) for message in examples(strategies.client_messages, count, number)]


def event_texts(count: int, number: int) -> list[str]:
    """`count` or fewer texts of valid server events."""
    return [encode_event(event) for event in examples(strategies.server_events, count, number)]


def examples(strategy: SearchStrategy[T], count: int, number: int) -> list[T]:
    """Examples of a strategy, outside of a test."""
    found: list[T] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: T) -> None:
        found.append(example)

    collect()
    return found
