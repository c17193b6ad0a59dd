"""What a stream tells of its turns between their ends."""

from __future__ import annotations

import pytest

from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import ServerEvent
from auricle.protocol.settings import TurnMode, TurnSettings
from auricle.protocol.signals import Signals
from auricle_server.ipc.columns import ChunkResult
from auricle_server.model_info import ModelInfo
from auricle_server.stream.stream_state import StreamState
from auricle_server.turns import VoiceSignals

INFO = ModelInfo("m", ("▁one", "."), (80,), 80, ("en-US",), "en-US", 0.08, 4)
SECOND = 16_000
CHUNK = 1_280


def events_of(
    start: Start, chunks: int, voice: VoiceSignals | None = None, mark: int | None = None
) -> list[ServerEvent]:
    """Those of a stream whose second chunk has a word, up to the end of that chunk, and which is then silent."""
    stream = StreamState(INFO, start, "session")
    events: list[ServerEvent] = []
    for number in range(1, chunks + 1):
        stream.count_audio(CHUNK)
        word = (0,) if number == 2 else ()
        sure = (0.9,) * len(word)
        chunk_mark = mark if number == chunks else None
        result = ChunkResult(0, number * CHUNK, word, (number - 1,) * len(word), sure, sure, chunk_mark)
        events += stream.on_result(result, voice)
    return events


def signals_of(mode: TurnMode, chunks: int, voice: VoiceSignals | None = None, silence_ms: int = 400) -> list[Signals]:
    turn = TurnSettings(mode=mode, silence_ms=silence_ms)
    return [event for event in events_of(Start(turn=turn, signals=True), chunks, voice) if isinstance(event, Signals)]


def test_there_is_one_for_each_chunk_before_its_other_events() -> None:
    events = events_of(Start(signals=True), 5)
    assert [event.audio_time for event in events if isinstance(event, Signals)] == [0.08, 0.16, 0.24, 0.32, 0.4]
    assert [event.TYPE for event in events[:4]] == ["signals", "signals", "speech_started", "interim"]


def test_the_answer_to_a_flush_brings_none() -> None:
    told = [event for event in events_of(Start(signals=True), 3, mark=0) if isinstance(event, Signals)]
    assert len(told) == 2


@pytest.mark.parametrize("mode", ["off", "silence", "semantic"])
def test_without_them_the_events_are_the_same(mode: TurnMode) -> None:
    turn = TurnSettings(mode=mode, silence_ms=400)
    plain = events_of(Start(turn=turn), 40)
    told = events_of(Start(turn=turn, signals=True), 40)
    assert plain == [event for event in told if not isinstance(event, Signals)]
    assert not any(isinstance(event, Signals) for event in plain)


def test_before_the_first_word_nothing_is_known_of_a_turn() -> None:
    first = signals_of("silence", 1)[0]
    assert first == Signals(audio_time=0.08, turn_open=False)


def test_silence_grows_with_its_share_until_the_turn_ends() -> None:
    told = signals_of("silence", 9)
    silences = [each.silence for each in told[1:]]
    assert silences == sorted(silences, key=lambda each: each or 0.0)
    opened = [each for each in told if each.turn_open]
    assert all(each.probability == pytest.approx((each.silence or 0.0) / 0.4) for each in opened)
    end = told[told.index(opened[-1]) + 1]
    assert (end.turn_open, end.probability) == (False, 1.0)  # the chunk with which it ends still says how sure that is
    assert all(each.probability is None for each in told[told.index(end) + 1 :])
    assert told[-1].silence == pytest.approx(told[-2].silence + 0.08 if told[-2].silence else None)


def test_the_semantic_mode_tells_the_probability_that_decides() -> None:
    told = signals_of("semantic", 40)
    ended = next(number for number, each in enumerate(told) if number > 2 and not each.turn_open)
    probability = told[ended].probability
    assert probability is not None
    assert probability >= TurnSettings().end_threshold
    assert all((each.probability or 0.0) < TurnSettings().end_threshold for each in told[:ended])


def test_without_turn_detection_there_is_no_probability() -> None:
    told = signals_of("off", 5)
    assert [each.turn_open for each in told] == [False, True, True, True, True]
    assert all(each.probability is None for each in told)
    assert told[-1].silence == pytest.approx(3 * 0.08, abs=0.08)


def test_the_sound_is_told_where_it_is_analysed() -> None:
    voice = VoiceSignals(speech=0.123456, speech_end=CHUNK, complete=0.987654)
    last = signals_of("semantic", 3, voice)[-1]
    assert (last.voice, last.complete) == (0.1235, 0.9877)
    assert last.silence == pytest.approx(2 * 0.08)  # since the voice fell silent
    assert signals_of("silence", 3, VoiceSignals(speech=0.5))[-1].voice == 0.5
    assert signals_of("silence", 3)[-1].voice is None
