from __future__ import annotations

import pytest

from auricle_server.engine.types import NoSlot
from auricle_server.ipc.messages import (
    CloseStream,
    DecodeAgain,
    FlushStream,
    GatewayItem,
    KeytermsPrepared,
    OpenStream,
    SettingsUpdate,
    StreamFailure,
    StreamOpened,
    UpdateRefused,
    UpdateStream,
    WorkerItem,
)
from auricle_server.worker.admission import Admission, StepCalibration, StepTiming
from auricle_server.worker.gateway_messages import GatewayMessages
from auricle_server.worker.stream_admin import StreamAdmin
from auricle_server.worker.stream_table import StreamTable
from tests.auricle_server.fake_engine import FakeEngine
from tests.auricle_server.worker.test_gateway_messages import Channel

KEY = b"a", 1


class Admin:
    """A stream admin over a fake engine, and what gateways get. A row takes 10 ms."""

    def __init__(self, slots: int = 4, max_load: float = 0.0) -> None:
        self.engine, self.channel = FakeEngine(slots), Channel()
        steps = tuple(StepTiming(latency, rows, 0.01 * rows) for latency in (80, 160) for rows in (1, 2, 4))
        self.admission = Admission((80, 160), max_load, StepCalibration(steps))
        self.messages, self.table = GatewayMessages(self.channel), StreamTable(slots)
        self.admin = StreamAdmin(self.engine.as_engine(), self.table, self.admission, self.messages)

    def apply(self, *items: GatewayItem) -> list[WorkerItem]:
        """What the gateway gets for these requests."""
        for item in items:
            key = b"a", item.stream
            try:
                self.admin.apply(key, item)
            except NoSlot as error:
                self.admin.fail(key, error)
        return self.published()

    def published(self) -> list[WorkerItem]:
        self.channel.close()
        self.messages.publish()
        return [item for _, message in self.channel.sent for item in message.items]


def opened(stream: int = 1, latency_ms: int = 80) -> OpenStream:
    return OpenStream(stream, latency_ms, "en-US")


def test_a_stream_gets_a_slot_and_a_lease_that_no_other_worker_gives() -> None:
    [first] = Admin().apply(opened())
    [again] = Admin().apply(opened())
    assert isinstance(first, StreamOpened)
    assert isinstance(again, StreamOpened)
    assert first.slot == again.slot
    assert first.lease != again.lease


def test_requests_for_a_stream_that_has_ended_do_nothing() -> None:
    made = Admin()
    assert made.apply(FlushStream(7, 1), UpdateStream(7, SettingsUpdate(latency_ms=160)), CloseStream(7)) == []
    assert made.engine.slots_used == 0


def test_without_time_a_stream_is_refused_before_it_takes_a_slot() -> None:
    made = Admin(max_load=0.2)
    assert [type(item) for item in made.apply(opened(1), opened(2))] == [StreamOpened, StreamFailure]
    assert made.engine.slots_used == 1


def test_without_a_slot_the_message_says_so() -> None:
    _, failure = Admin(slots=1).apply(opened(1), opened(2))
    assert isinstance(failure, StreamFailure)
    assert failure.code == "server_full"
    assert "no free slot" in failure.message


def test_a_refused_latency_leaves_a_running_stream_as_it_was() -> None:
    made = Admin(max_load=0.15)
    made.apply(opened(1, 160), opened(2, 160))
    load = made.admission.load
    [refused] = made.apply(UpdateStream(1, SettingsUpdate(latency_ms=80)))
    assert isinstance(refused, UpdateRefused)
    entry = made.table.get(KEY)
    assert entry is not None
    assert (refused.stream, entry.latency_ms, made.admission.load) == (1, 160, load)


def test_a_refused_latency_ends_a_stream_that_starts() -> None:
    made = Admin(max_load=0.15)
    made.apply(opened(1, 160), opened(2, 160))
    [failure] = made.apply(UpdateStream(1, SettingsUpdate(latency_ms=80), starting=True))
    assert isinstance(failure, StreamFailure)
    assert (len(made.table), made.engine.slots_used) == (1, 1)


def test_settings_are_remembered_for_a_later_second_pass() -> None:
    made = Admin()
    made.apply(opened(), UpdateStream(1, SettingsUpdate(language="en-US", keyterms=("auricle",))))
    entry = made.table.get(KEY)
    assert entry is not None
    assert (entry.language, entry.keyterms) == ("en-US", ("auricle",))


def test_gateways_are_told_what_has_become_of_key_terms() -> None:
    made = Admin()
    made.engine.most_keyterms = 2
    made.apply(opened(1), opened(2), UpdateStream(1, SettingsUpdate(keyterms=("a", "b"))))
    made.apply(UpdateStream(2, SettingsUpdate(keyterms=("a", "b", "c"))), UpdateStream(2, SettingsUpdate(keyterms=())))
    made.admin.report_key_terms(made.engine.terms.outcomes())
    expected = [KeytermsPrepared(1, 2), KeytermsPrepared(2, 3, in_force=False), KeytermsPrepared(2, 0)]
    assert made.published() == expected
    made.admin.report_key_terms(made.engine.terms.outcomes())
    assert made.published() == []


def test_key_terms_of_a_stream_that_has_ended_or_of_a_second_pass_are_not_told() -> None:
    made = Admin()
    made.apply(opened(1), opened(2), UpdateStream(1, SettingsUpdate(refine="on", keyterms=("a",))))
    made.apply(UpdateStream(2, SettingsUpdate(keyterms=("a",))), UpdateStream(1, SettingsUpdate(keyterms=("b", "c"))))
    made.apply(CloseStream(2))
    made.admin.report_key_terms(made.engine.terms.outcomes())
    assert made.published() == [KeytermsPrepared(1, 1), KeytermsPrepared(1, 2)]


def test_time_and_slots_balance_when_streams_have_ended() -> None:
    made = Admin(max_load=0.8)
    made.apply(opened(1), opened(2, 160), UpdateStream(1, SettingsUpdate(refine="on")))
    assert (made.admin.slots_used, made.engine.slots_used) == (3, 3)
    made.apply(CloseStream(1), CloseStream(2), CloseStream(2))
    assert (made.admin.slots_used, made.engine.slots_used) == (0, 0)
    assert made.admission.load == pytest.approx(0)


def test_an_unexpected_error_ends_the_stream_and_is_no_capacity_error() -> None:
    made = Admin()
    made.apply(opened())
    made.admin.fail(KEY, RuntimeError("bug"))
    [item] = made.published()
    assert isinstance(item, StreamFailure)
    assert (item.code, len(made.table), made.engine.slots_used) == ("internal", 0, 0)


def test_audio_is_decoded_again_by_both_passes_on_their_own_clocks() -> None:
    admin = Admin()
    admin.apply(opened(), DecodeAgain(1, 32_000))
    entry = admin.table.get(KEY)
    assert entry is not None
    admin.table._received[entry.lease.slot] = 30 * 1280
    admin.apply(UpdateStream(1, SettingsUpdate(refine="on")), DecodeAgain(1, 64_000))
    second = entry.second_lease
    assert second is not None
    start = 30 // 2 * 2 * 1280
    first = entry.lease.id
    assert admin.engine.decoded_again == [(first, 32_000), (first, 64_000), (second.id, 64_000 - start)]
