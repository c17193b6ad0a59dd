"""A started stream: settings and audio to the worker, results to events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from auricle.protocol import codes
from auricle.protocol.client_messages import Start, Update
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.server_messages import Error, Final, Interim, KeytermsInForce, ServerEvent, SpeechStarted
from auricle.protocol.settings import TurnSettings
from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.audio.turn_model_pool import TurnModelPool
from auricle_server.gateway.session.stream_session import OFFLINE_BACKLOG, StreamSession
from auricle_server.ipc.messages import (
    FlushSecondPass,
    FlushStream,
    KeytermsPrepared,
    SecondPassChanged,
    SettingsUpdate,
    StreamFailure,
    UpdateRefused,
    UpdateStream,
)
from tests.auricle_server.gateway.leases import ONE, STREAM, TWO, TestLease, result

OFF = TurnSettings(mode="off")


def opened(
    lease: TestLease | None = None,
    pool: TurnModelPool | None = None,
    on_signals: Callable[[], None] = lambda: None,
    **start: Any,
) -> tuple[StreamSession, TestLease]:
    lease = lease or TestLease()
    session = StreamSession("name", lease.lease, Start(**start), DEFAULT_LIMITS, pool, on_signals)
    return session, lease


def kinds(events: list[ServerEvent]) -> list[type]:
    return [type(event) for event in events]


def settings_sent(**start: Any) -> list[Any]:
    _, lease = opened(**start)
    return list(lease.sent()[1])


def test_the_worker_is_sent_the_settings_that_its_slot_does_not_have() -> None:
    assert settings_sent() == []
    assert settings_sent(latency_ms=160) == []
    [update] = settings_sent(latency_ms=80, language="de-DE", refine="auto", keyterms=("one",))
    settings = SettingsUpdate(latency_ms=80, language="de-DE", refine="auto", keyterms=("one",))
    assert update == UpdateStream(STREAM, settings, starting=True)
    assert settings_sent(offline=True) == [UpdateStream(STREAM, SettingsUpdate(offline=True), starting=True)]


def test_what_the_model_cannot_serve_is_refused_and_nothing_is_sent() -> None:
    lease = TestLease()
    with pytest.raises(ProtocolViolation) as refused:
        opened(lease, latency_ms=90)
    assert refused.value.code == codes.UNSUPPORTED_LATENCY
    assert lease.sent() == (b"", [])


def test_audio_goes_to_the_worker_as_16_khz_pcm() -> None:
    session, lease = opened()
    session.receive_audio(b"\1\2\3\4")
    assert lease.sent() == (b"\1\2\3\4", [])
    session, lease = opened(encoding="mulaw", sample_rate=8000)
    session.receive_audio(bytes([0xFF]) * 800)
    early, _ = lease.sent()
    session.end()
    late, items = lease.sent()
    assert len(early + late) == 2 * 1600
    assert late, "the resampler holds some back until the end"
    assert items == [FlushStream(STREAM, 1, last=True)]


def test_a_stream_that_becomes_too_long_is_refused() -> None:
    session, _ = opened()
    with pytest.raises(ProtocolViolation) as refused:
        session.receive_audio(bytes(round(2 * 16_000 * (DEFAULT_LIMITS.stream_seconds + 1))))
    assert refused.value.code == codes.STREAM_TOO_LONG


def test_too_much_backlog_stops_the_input_until_results_come() -> None:
    session, _ = opened()
    session.receive_audio(bytes(round(2 * 16_000 * DEFAULT_LIMITS.buffered_seconds)))
    assert not session.accepts_input
    session.on_worker(result(1.0))
    assert session.accepts_input
    offline, _ = opened(offline=True)
    offline.receive_audio(bytes(round(2 * 16_000 * (OFFLINE_BACKLOG - 1))))
    assert offline.accepts_input


def test_results_become_events_and_the_last_flush_ends_the_stream() -> None:
    session, lease = opened(turn=OFF)
    assert kinds(session.on_worker(result(0.16, ONE))) == [SpeechStarted, Interim]
    session.finalize("a")
    session.finalize("b")
    assert lease.sent()[1] == [FlushStream(STREAM, 1)], "no audio lies between: one flush answers both"
    finals = session.on_worker(result(0.16, TWO, mark=1, frame=3))
    assert [final.finalize_id for final in finals if isinstance(final, Final)] == ["a", "b"]
    session.end()
    assert not session.over
    session.on_worker(result(0.16, mark=2))
    assert session.over


def test_an_update_is_sent_or_refused_in_an_event() -> None:
    session, lease = opened()
    assert session.update(Update(latency_ms=80)) == []
    assert lease.sent()[1] == [UpdateStream(STREAM, SettingsUpdate(latency_ms=80))]
    [error] = session.update(Update(language="tlh"))
    assert isinstance(error, Error)
    assert (error.code, error.fatal) == (codes.UNSUPPORTED_LANGUAGE, False)
    assert lease.sent()[1] == []
    [error] = session.on_worker(UpdateRefused(STREAM, "no time", 80, 160))
    assert isinstance(error, Error)
    assert (error.code, error.fatal, error.message) == (codes.SERVER_FULL, False, "no time")
    assert session.ready(None).latency_ms == 160


def test_the_client_is_told_when_key_terms_are_in_force_or_have_no_room() -> None:
    session, _ = opened(keyterms=("one", "two"))
    assert session.on_worker(KeytermsPrepared(STREAM, 2)) == [KeytermsInForce(count=2)]
    session.receive_audio(b"\0\0" * 16_000)
    session.on_worker(result(0.8, ONE))
    [error] = session.on_worker(KeytermsPrepared(STREAM, 900, in_force=False))
    assert isinstance(error, Error)
    assert (error.code, error.fatal, error.fault, error.audio_time) == ("no_room_for_keyterms", False, "server", 0.8)
    assert "900" in error.message


def test_key_terms_that_the_model_cannot_write_are_named() -> None:
    session, _ = opened()
    assert session.start_notices() == []
    [notice] = session.update(Update(keyterms=("Жук",)))
    assert isinstance(notice, Error)
    assert (notice.code, notice.fatal) == (codes.UNWRITABLE_KEYTERMS, False)
    assert "Жук" in notice.message


def test_a_turn_end_makes_the_second_pass_catch_up() -> None:
    session, lease = opened(refine="on", turn=TurnSettings(silence_ms=160, mode="silence"))
    session.on_worker(SecondPassChanged(STREAM, active=True))
    session.on_worker(result(0.16, ONE))
    lease.sent()
    assert session.on_worker(result(0.48)) == [], "the final waits for the second pass"
    assert lease.sent()[1] == [FlushSecondPass(STREAM)]


@pytest.mark.parametrize(("code", "sent"), [(codes.WORKER_LOST, codes.WORKER_LOST), ("news", codes.INTERNAL)])
def test_a_worker_that_drops_the_stream_ends_it_with_an_error(code: str, sent: str) -> None:
    session, _ = opened()
    [error] = session.on_worker(StreamFailure(STREAM, code, "it has gone"))
    assert isinstance(error, Error)
    assert (error.code, error.fatal, error.message) == (sent, True, "it has gone")


def test_a_failure_of_the_server_ends_this_stream_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    session, _ = opened()
    monkeypatch.setattr(session._state, "on_result", lambda *_: 1 // 0)
    [error] = session.on_worker(result(0.16, ONE))
    assert isinstance(error, Error)
    assert (error.code, error.fatal) == (codes.INTERNAL, True)


def test_a_drain_flushes_once_and_not_after_the_end() -> None:
    session, lease = opened()
    session.drain()
    session.drain()
    assert lease.sent()[1] == [FlushStream(STREAM, 1, last=True)]
    session, lease = opened()
    session.end()
    session.drain()
    assert lease.sent()[1] == [FlushStream(STREAM, 1, last=True)]
