from __future__ import annotations

import dataclasses
import json

import pytest

from auricle.protocol import Limits, Ready, Signals, Start, client_messages, codec, server_messages

LIMITS = Limits(1 << 20, 30.0, 3600.0, 60.0, keyterms=2, keyterm_characters=7)
READY = Ready(
    session="s",
    model="m",
    latencies_ms=(80, 160),
    languages=("en-US", "de-DE"),
    latency_ms=80,
    language="en-US",
    limits=LIMITS,
)


def test_every_type_of_the_wire_has_its_own_name() -> None:
    messages = {**vars(client_messages), **vars(server_messages)}.values()
    kinds = [kind for kind in messages if dataclasses.is_dataclass(kind) and hasattr(kind, "TYPE")]
    assert len({kind.TYPE for kind in kinds}) == len(kinds) == 16


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        (80, True),
        (560, False),
        ("de", True),
        ("fr", False),
        (("Auricle",), True),
        (("Auricle", "GPU", "ASR"), False),
        (("microphone",), False),
        ((), True),
    ],
)
def test_a_server_offers_what_its_ready_says(asked: int | str | tuple[str, ...], offered: bool) -> None:
    assert READY.offers(asked) is offered


def test_a_server_that_takes_no_key_terms_fits_none() -> None:
    limits = dataclasses.replace(LIMITS, keyterms=0, keyterm_characters=0)
    assert limits.fit(())
    assert not limits.fit(("a",))


def test_signals_leave_out_what_is_not_known() -> None:
    assert json.loads(codec.encode_event(Signals(turn_open=False, audio_time=0.5), 3)) == {
        "type": "signals",
        "seq": 3,
        "audio_time": 0.5,
        "turn_open": False,
    }


def test_signals_come_back_as_they_were_sent() -> None:
    signals = Signals(audio_time=1.0, turn_open=True, silence=0.25, probability=0.5, voice=0.125, complete=0.75)
    assert codec.decode_event(codec.encode_event(signals)) == signals


def test_a_start_that_does_not_ask_for_signals_suits_older_servers() -> None:
    assert "signals" not in json.loads(codec.encode_client(Start()))
    assert codec.decode_client(codec.encode_client(Start(signals=True))) == Start(signals=True)
