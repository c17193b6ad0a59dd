"""One stream: results in, events out, in their order and on the audio's clock."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest

from auricle.protocol.client_messages import Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import (
    Final,
    Interim,
    Limits,
    ServerEvent,
    Settled,
    SpeechStarted,
    TurnEnd,
)
from auricle.protocol.settings import TurnSettings
from auricle_server.ipc.columns import ChunkResult
from auricle_server.ipc.messages import SettingsUpdate
from auricle_server.model_info import ModelInfo
from auricle_server.stream.segment_end import LONGEST_SEGMENT
from auricle_server.stream.stream_state import StreamState

PIECES = ("▁one", "▁two", ".", "<de-DE>", "▁¿")
ONE, TWO, STOP, GERMAN, OPENS = range(5)
INFO = ModelInfo("m", PIECES, (80, 160), 160, ("en-US", "auto"), "en-US", 0.08, 4)
SECOND = 16_000


class Talk:
    """Feeds a stream chunk by chunk."""

    def __init__(self, **start: Any) -> None:
        self.stream = StreamState(INFO, Start(**start), "session")

    def chunk(self, seconds: float, *tokens: int, frame: int = 0, mark: int | None = None) -> list[ServerEvent]:
        samples = round(seconds * SECOND)
        self.stream.count_audio(max(0, samples - round(self.stream.received_seconds * SECOND)))
        frames = tuple(range(frame, frame + len(tokens)))
        sure = (0.9,) * len(tokens)
        return self.stream.on_result(ChunkResult(0, samples, tokens, frames, sure, sure, mark))


def kinds(events: list[ServerEvent]) -> list[type]:
    return [type(event) for event in events]


def silence(ms: int) -> TurnSettings:
    return TurnSettings(mode="silence", silence_ms=ms)


def test_ready_shows_what_is_in_force() -> None:
    limits = Limits(1, 1.0, 1.0, 1.0)
    ready = Talk().stream.ready(limits)
    assert (ready.latency_ms, ready.language, ready.latencies_ms) == (160, "en-US", (80, 160))
    assert (ready.model, ready.session, ready.limits) == ("m", "session", limits)
    assert Talk(latency_ms=80, language="auto").stream.ready(limits).latency_ms == 80


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ({"latency_ms": 90}, "unsupported_latency"),
        ({"language": "xx-XX"}, "unsupported_language"),
        ({"keyterms": ("auricle",)}, "unsupported_keyterms"),
    ],
)
def test_what_the_model_cannot_do_is_refused(start: dict[str, Any], code: str) -> None:
    with pytest.raises(ProtocolViolation) as refused:
        Talk(**start)
    assert refused.value.code == code
    talk = Talk()
    with pytest.raises(ProtocolViolation) as refused:
        talk.stream.update(Update(**start))
    assert refused.value.code == code


def test_interims_come_when_the_text_grew() -> None:
    talk = Talk()
    events = talk.chunk(1.0, ONE, frame=10)
    assert kinds(events) == [SpeechStarted, Interim]
    assert events[0] == SpeechStarted(audio_time=1.0, start=0.8)
    assert events[1] == Interim(audio_time=1.0, text="one", start=0.8, end=0.88, language="en-US")
    assert talk.chunk(1.1) == []
    assert kinds(talk.chunk(1.2, STOP, frame=14)) == [Interim]


def test_a_finalize_is_answered_even_when_nothing_was_said() -> None:
    talk = Talk()
    mark = talk.stream.finalize("f")
    [final] = talk.chunk(0.5, mark=mark)
    assert final == Final(audio_time=0.5, text="", start=0.5, end=0.5, language="en-US", finalize_id="f", settled=0.5)


def test_finalizes_without_audio_between_share_a_flush() -> None:
    talk = Talk()
    talk.chunk(1.0, ONE, frame=10)
    talk.stream.count_audio(100)
    mark = talk.stream.finalize("a")
    assert talk.stream.finalize("b") is None
    talk.stream.count_audio(100)
    later = talk.stream.finalize("c")
    assert later is not None
    finals = [event for event in talk.chunk(1.01, mark=mark) if isinstance(event, Final)]
    assert [(final.finalize_id, final.text) for final in finals] == [("a", "one"), ("b", "")]
    [final] = talk.chunk(1.02, mark=later)
    assert isinstance(final, Final)
    assert final.finalize_id == "c"


def test_the_end_closes_an_open_turn() -> None:
    talk = Talk()
    talk.chunk(1.0, ONE, frame=10)
    events = talk.chunk(1.2, TWO, frame=13, mark=talk.stream.end())
    assert kinds(events) == [Final, TurnEnd]
    assert talk.stream.over


def test_the_end_of_a_silent_stream_is_silent() -> None:
    talk = Talk()
    assert talk.chunk(1.2, mark=talk.stream.end()) == []
    assert talk.stream.over


def test_a_drain_finalises_but_ends_no_turn() -> None:
    talk = Talk()
    talk.chunk(1.0, ONE, frame=10)
    mark = talk.stream.drain()
    assert mark is not None
    [final] = talk.chunk(1.1, mark=mark)
    assert isinstance(final, Final)
    assert final.end < final.settled < final.audio_time
    assert talk.stream.over
    assert talk.stream.drain() is None


def test_a_drain_cuts_no_word_in_two() -> None:
    talk = Talk()
    talk.chunk(1.0, ONE, frame=10)
    assert talk.chunk(1.05, mark=talk.stream.drain()) == []
    assert talk.stream.over


def test_a_drain_leaves_an_end_alone() -> None:
    talk = Talk()
    talk.stream.end()
    assert talk.stream.drain() is None


def test_with_turns_off_every_segment_starts_anew() -> None:
    talk = Talk(turn=TurnSettings(mode="off"), words=False)
    assert kinds(talk.chunk(1.0, ONE, frame=10)) == [SpeechStarted, Interim]
    assert talk.chunk(9.0) == []
    [final] = talk.chunk(9.1, mark=talk.stream.finalize("f"))
    assert isinstance(final, Final)
    assert (final.text, final.words) == ("one", ())
    assert kinds(talk.chunk(9.5, TWO, frame=117)) == [SpeechStarted, Interim]
    assert kinds(talk.chunk(9.6, mark=talk.stream.end())) == [Final]


def test_update_changes_what_the_worker_must_know() -> None:
    talk = Talk()
    assert talk.stream.update(Update(latency_ms=80, language="auto")) == SettingsUpdate(80, "auto")
    assert talk.stream.latency_ms == 80
    events = talk.chunk(1.0, ONE, frame=10)
    assert isinstance(events[1], Interim)
    assert events[1].language == "auto"
    assert talk.stream.update(Update()) == SettingsUpdate()


@pytest.mark.parametrize("mode", ["off", "silence"])
def test_a_segment_that_never_ends_is_cut(mode: Any) -> None:
    talk = Talk(turn=TurnSettings(mode=mode, silence_ms=10_000))
    finals: list[Final] = []
    longest = 0
    for second in range(1, 401):
        pause = second % 90 == 0
        events = talk.chunk(float(second), *(() if pause else (ONE,)), frame=round(second * 12.5) - 2)
        finals += [event for event in events if isinstance(event, Final)]
        longest = max([longest, *(len(event.text) for event in events if isinstance(event, Interim))])
    assert [len(final.text.split()) for final in finals] == [89, 89, 89, 89]
    assert longest < 2 * LONGEST_SEGMENT / SECOND * len("one ")
    assert all(final.finalize_id is None for final in finals)
    assert all(a.settled < b.settled for a, b in pairwise(finals))


def test_a_segment_without_any_pause_is_cut_all_the_same() -> None:
    talk = Talk()
    finals = [
        e for s in range(1, 300) for e in talk.chunk(float(s), ONE, frame=round(s * 12.5) - 2) if isinstance(e, Final)
    ]
    assert len(finals) == 2


def test_silence_settles_now_and_then() -> None:
    talk = Talk()
    settled = [e.settled for s in range(1, 31) for e in talk.chunk(float(s)) if isinstance(e, Settled)]
    assert settled == [5.0, 10.0, 15.0, 20.0, 25.0]


def test_nothing_settles_while_a_turn_is_open() -> None:
    talk = Talk(turn=silence(10_000))
    talk.chunk(1.0, ONE, frame=10)
    assert talk.chunk(1.1, mark=talk.stream.finalize("f"))
    assert talk.chunk(9.9) == []


def test_backlog_is_what_has_come_and_rests_on_nothing() -> None:
    talk = Talk()
    talk.stream.count_audio(SECOND)
    assert talk.stream.backlog_seconds == 1.0
    talk.stream.on_result(ChunkResult(0, SECOND // 2))
    assert (talk.stream.backlog_seconds, talk.stream.audio_time, talk.stream.received_seconds) == (0.5, 0.5, 1.0)


def test_an_opening_mark_alone_is_no_speech() -> None:
    talk = Talk()
    assert talk.chunk(1.0, OPENS, frame=10) == []
    assert kinds(talk.chunk(1.2, ONE, frame=13)) == [SpeechStarted, Interim]


@pytest.mark.slow
def test_an_hour_of_talk_takes_no_more_memory_than_a_minute() -> None:
    talk = Talk(turn=silence(300))

    def minutes(first: int, last: int) -> int:
        for chunk in range(first * 375, last * 375):
            token = (ONE, STOP) if chunk % 3 == 0 and chunk % 30 < 20 else ()
            mark = talk.stream.finalize(str(chunk)) if chunk % 7 == 0 else None
            talk.chunk(chunk * 0.16, *token, frame=2 * chunk - 2, mark=mark)
        gc.collect()  # which empties the interpreter's free lists, too
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        after_a_minute = minutes(0, 1)
        assert minutes(1, 60) - after_a_minute < 20_000  # 22,000 chunks: one byte of each would be more
    finally:
        tracemalloc.stop()
