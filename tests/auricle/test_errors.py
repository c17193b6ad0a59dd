from __future__ import annotations

import pytest

from auricle import AuricleError, ConnectionFailed, ProtocolError, Refused, ServerFull, ServerRestarting, StreamFailed


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (ConnectionFailed("unreachable", "no server"), False),
        (ConnectionFailed("lost", "it broke"), False),
        (ConnectionFailed("tls", "not trusted", permanent=True), True),
        (Refused(401, "no key"), True),
        (ServerFull(), False),
        (ServerFull(3.0), False),
        (ServerRestarting(), False),
        (ServerRestarting("shutting_down", 3.0, "it stops"), False),
        (ProtocolError("bad_audio", "half a sample"), True),
        (StreamFailed("bad_audio", "client", "half a sample"), True),
        (StreamFailed("worker_lost", "server", "the worker died"), False),
        (StreamFailed("idle_timeout", "client", "nobody spoke"), False),
        (StreamFailed("stream_too_long", "client", "four hours"), False),
    ],
)
def test_only_what_may_pass_is_worth_another_try(error: AuricleError, permanent: bool) -> None:
    assert error.permanent is permanent
    assert isinstance(error, AuricleError)


def test_errors_say_what_happened() -> None:
    assert str(ServerFull(3.0)) == "the server has no free slot; it suggests another attempt in 3 s"
    assert str(ServerFull()) == "the server has no free slot"
    assert str(StreamFailed("internal", "server", "it broke")) == "internal: it broke"
