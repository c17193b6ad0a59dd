"""The event that tells of a turn between its other events."""

from __future__ import annotations

import json

from auricle.protocol import codec
from auricle.protocol.client_messages import Start
from auricle.protocol.signals import Signals


def test_what_is_not_known_is_left_out() -> None:
    assert json.loads(codec.encode_event(Signals(turn_open=False, audio_time=0.5), 3)) == {
        "type": "signals",
        "seq": 3,
        "audio_time": 0.5,
        "turn_open": False,
    }


def test_it_comes_back_as_it_was_sent() -> None:
    signals = Signals(audio_time=1.0, turn_open=True, silence=0.25, probability=0.5, voice=0.125, complete=0.75)
    assert codec.decode_event(codec.encode_event(signals)) == signals


def test_a_start_that_does_not_ask_for_it_suits_older_servers() -> None:
    assert "signals" not in json.loads(codec.encode_client(Start()))
    assert codec.decode_client(codec.encode_client(Start(signals=True))) == Start(signals=True)
