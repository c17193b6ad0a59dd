from __future__ import annotations

from auricle.protocol import CODES, ProtocolViolation, codes

STABLE = {
    "bad_json": ("client", True, 1007),
    "unknown_message": ("client", True, 1007),
    "invalid_field": ("client", True, 1007),
    "unsupported_version": ("client", True, 1002),
    "unknown_model": ("client", True, 1008),
    "unsupported_latency": ("client", False, 1008),
    "unsupported_language": ("client", False, 1008),
    "unsupported_keyterms": ("client", False, 1008),
    "invalid_keyterms": ("client", False, 1008),
    "unwritable_keyterms": ("client", False, None),
    "no_room_for_keyterms": ("server", False, None),
    "language_needs_adaptation": ("client", False, None),
    "not_started": ("client", True, 1002),
    "already_started": ("client", True, 1002),
    "after_end": ("client", True, 1002),
    "bad_audio": ("client", True, 1007),
    "message_too_big": ("client", True, 1009),
    "stream_too_long": ("client", True, 1008),
    "idle_timeout": ("client", True, 1008),
    "unauthorized": ("client", True, 1008),
    "origin_not_allowed": ("client", True, 1008),
    "too_many_streams": ("client", True, 1008),
    "server_full": ("server", False, 1013),
    "shutting_down": ("server", True, 1012),
    "worker_lost": ("server", True, 1012),
    "restarting": ("server", True, 1012),
    "internal": ("server", True, 1011),
    "unexpected_event": ("server", True, 1002),
}


def test_the_table_is_what_clients_in_the_field_rely_on() -> None:
    assert {row.code: (row.fault, row.fatal, row.close_code) for row in CODES.values()} == STABLE


def test_a_notice_never_closes_a_connection() -> None:
    assert {"unwritable_keyterms", "no_room_for_keyterms", "language_needs_adaptation"} == codes.NOTICES
    assert not any(CODES[code].fatal for code in codes.NOTICES)


def test_every_code_is_a_constant_of_its_own_name() -> None:
    for code in CODES:
        assert getattr(codes, code.upper()) == code


def test_a_violation_knows_its_row() -> None:
    violation = ProtocolViolation(codes.BAD_AUDIO, "half a sample")
    assert violation.row is CODES["bad_audio"]
    assert str(violation) == "bad_audio: half a sample"
