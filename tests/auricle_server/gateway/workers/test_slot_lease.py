"""A lease writes to its worker under its own number, slot and lease, and is given back."""

from __future__ import annotations

from auricle_server.ipc.messages import FlushSecondPass, FlushStream, SettingsUpdate, UpdateStream
from tests.auricle_server.gateway.leases import STREAM, TestLease


def test_everything_goes_to_the_worker_in_order() -> None:
    test = TestLease()
    test.lease.send_audio(b"\1\2")
    test.lease.update(SettingsUpdate(language="de-DE"), starting=True)
    test.lease.flush(3, last=True)
    test.lease.flush_second_pass()
    audio, items = test.sent()
    assert audio == b"\1\2"
    assert items == [
        UpdateStream(STREAM, SettingsUpdate(language="de-DE"), starting=True),
        FlushStream(STREAM, 3, last=True),
        FlushSecondPass(STREAM),
    ]


def test_an_update_without_settings_is_not_sent() -> None:
    test = TestLease()
    test.lease.update(SettingsUpdate())
    assert test.sent() == (b"", [])


def test_of_lists_of_key_terms_that_come_too_fast_the_newest_is_sent() -> None:
    test = TestLease()

    def sent() -> list[UpdateStream]:
        return [item for item in test.sent()[1] if isinstance(item, UpdateStream)]

    for number in range(30):
        test.lease.update(SettingsUpdate(keyterms=(f"term {number}",)))
    lists = [("term 0",), ("term 1",), ("term 2",), ("term 3",)]
    assert sent() == [UpdateStream(STREAM, SettingsUpdate(keyterms=keyterms)) for keyterms in lists]
    test.lease.on_beat()
    assert sent() == []
    test.lease.update(SettingsUpdate(latency_ms=80, keyterms=("last",)))
    assert sent() == [UpdateStream(STREAM, SettingsUpdate(latency_ms=80))], "other settings do not wait"
    test.now += 1
    test.lease.on_beat()
    test.lease.on_beat()
    assert sent() == [UpdateStream(STREAM, SettingsUpdate(keyterms=("last",)))]
    test.lease.update(SettingsUpdate(keyterms=("early",)))
    test.now += 1
    test.lease.update(SettingsUpdate(keyterms=()))
    test.lease.on_beat()
    assert sent() == [UpdateStream(STREAM, SettingsUpdate(keyterms=()))], "when it is time, in place of the other"


def test_key_terms_that_are_held_are_dropped_at_the_last_flush() -> None:
    """They would come after it, which the engine refuses: a stream that ended would fail and lose its last words."""
    test = TestLease()
    for number in range(6):
        test.lease.update(SettingsUpdate(keyterms=(f"term {number}",)))
    test.lease.flush(0)
    test.lease.flush(1, last=True)
    test.now += 10
    test.lease.on_beat()
    _, items = test.sent()
    assert items[-1] == FlushStream(STREAM, 1, last=True)


def test_a_lease_without_a_session_ignores_results_and_is_given_back_by_its_number() -> None:
    test = TestLease()
    test.lease.listener(FlushSecondPass)  # type: ignore[arg-type]
    test.lease.release()
    assert test.released == 1
