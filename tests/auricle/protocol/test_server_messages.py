from __future__ import annotations

import dataclasses

import pytest

from auricle.protocol import Limits, Ready, client_messages, server_messages

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
