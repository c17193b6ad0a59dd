"""Signals of audio that two servers have heard."""

from __future__ import annotations

from auricle import Signals, TurnSettings
from auricle._stream.event_merger import EventMerger


def test_signals_of_audio_that_is_heard_again_are_told_once() -> None:
    merger = EventMerger(TurnSettings())
    for seconds in (1.0, 2.0, 3.0):
        signals = Signals(audio_time=seconds, turn_open=False)
        assert [event.audio_time for event in merger.merge(signals)] == [seconds]
    merger.resume(1.5)
    again = [merger.to_stream_time(Signals(audio_time=seconds, turn_open=False)) for seconds in (1.0, 1.5, 2.5)]
    assert [event.audio_time for signals in again for event in merger.merge(signals)] == [4.0]
