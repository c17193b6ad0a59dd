"""What the client's tests ask of a stream."""

from __future__ import annotations

from auricle import AuricleError, Final, ReconnectPolicy, Stream, StreamEvent

FAST = ReconnectPolicy(attempts=500, first_delay=0.001, max_delay=0.01)


async def everything(stream: Stream) -> list[StreamEvent]:
    return [event async for event in stream]


async def until(stream: Stream, kind: type[StreamEvent], events: list[StreamEvent]) -> None:
    """Reads events up to the first of its kind."""
    async for event in stream:
        events.append(event)
        if isinstance(event, kind):
            return
    raise AssertionError(f"the stream ended without a {kind.__name__}")


async def failure_of(stream: Stream) -> tuple[AuricleError, list[StreamEvent]]:
    """The error with which the stream ends, and the events before it."""
    events: list[StreamEvent] = []
    try:
        async for event in stream:
            events.append(event)  # noqa: PERF401  # a comprehension would lose the events before the error
    except AuricleError as error:
        return error, events
    raise AssertionError("the stream ended well")


def words_of(events: list[StreamEvent]) -> list[str]:
    return " ".join(event.text for event in events if isinstance(event, Final)).split()
