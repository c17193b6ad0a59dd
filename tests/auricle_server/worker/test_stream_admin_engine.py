"""Requests of gateways on the real engine: after whatever they ask, all slots and all planned time are free again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine, NoSlot
from auricle_server.ipc.messages import (
    CloseStream,
    FlushStream,
    FromWorker,
    GatewayItem,
    OpenStream,
    SecondPassChanged,
    SettingsUpdate,
    StreamFailure,
    StreamOpened,
    ToWorker,
    UpdateStream,
    WorkerItem,
)
from auricle_server.worker.admission import Admission, StepCalibration, StepTiming
from auricle_server.worker.gateway_messages import GatewayMessages
from auricle_server.worker.stream_admin import StreamAdmin
from auricle_server.worker.stream_table import StreamEntry, StreamTable
from tests.support.tones import CHECKPOINT

A, B = b"a", b"b"
SLOTS = 4
LONGEST = 1120


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(load_checkpoint(str(CHECKPOINT)), slots=SLOTS, device="cpu", threads=1)


class Desk:
    """A `StreamAdmin` whose messages are read by hand. Time is for two streams of 80 ms where it is `tight`."""

    def __init__(self, engine: Engine, *, tight: bool = False) -> None:
        self.engine = engine
        latencies = engine.info.latencies_ms
        steps = tuple(StepTiming(latency, rows, 0.03 * rows) for latency in latencies for rows in (1, 2, 4))
        self.admission = Admission(latencies, 0.8 if tight else 0.0, StepCalibration(steps))
        self.table = StreamTable(SLOTS)
        self._messages = GatewayMessages(self)
        self._sent: list[WorkerItem] = []
        self.admin = StreamAdmin(engine, self.table, self.admission, self._messages)

    def receive(self, timeout: float) -> list[tuple[bytes, ToWorker]]:
        return []

    def send(self, gateway: bytes, message: FromWorker) -> None:
        self._sent.extend(message.items)

    def close(self) -> None:
        for key in self.table:
            self.admin.close(key)

    def apply(self, *items: GatewayItem, gateway: bytes = A) -> list[WorkerItem]:
        """Executes requests as the worker does; what the gateways get."""
        for item in items:
            try:
                self.admin.apply((gateway, item.stream), item)
            except Exception as error:  # noqa: BLE001 - as in the worker's loop
                self.admin.fail((gateway, item.stream), error)
        self._messages.publish()
        sent, self._sent = self._sent, []
        return sent

    def entry(self, stream: int) -> StreamEntry:
        entry = self.table.get((A, stream))
        assert entry is not None
        return entry


@pytest.fixture
def desk(engine: Engine) -> Iterator[Desk]:
    desk = Desk(engine)
    yield desk
    desk.close()
    assert (engine.slots_used, desk.admission.load) == (0, 0)


@pytest.fixture
def tight(engine: Engine) -> Iterator[Desk]:
    desk = Desk(engine, tight=True)
    yield desk
    desk.close()
    assert (engine.slots_used, desk.admission.load) == (0, 0)


def opened(stream: int, latency_ms: int = 80) -> OpenStream:
    return OpenStream(stream, latency_ms, "en-US")


def update(stream: int, *, starting: bool = False, **settings: object) -> UpdateStream:
    return UpdateStream(stream, SettingsUpdate(**settings), starting)  # type: ignore[arg-type]  # the caller's business


def test_two_gateways_may_use_the_same_number(desk: Desk) -> None:
    desk.apply(opened(1))
    desk.apply(opened(1), gateway=B)
    desk.apply(CloseStream(1), gateway=B)
    assert desk.table.get((A, 1)) is not None
    assert desk.engine.slots_used == 1


def test_without_time_a_stream_is_refused_and_a_longer_latency_fits(tight: Desk) -> None:
    tight.apply(opened(1), opened(2))
    [refused] = tight.apply(opened(3))
    assert isinstance(refused, StreamFailure)
    assert (refused.code, "no time" in refused.message) == ("server_full", True)
    tight.apply(CloseStream(2))
    assert isinstance(tight.apply(opened(3, 160))[0], StreamOpened)


def test_a_change_of_latency_moves_the_planned_time(tight: Desk) -> None:
    tight.apply(opened(1))
    before = tight.admission.load
    assert tight.apply(update(1, latency_ms=160)) == []
    assert tight.admission.load == pytest.approx(before / 2, rel=0.01)
    assert tight.entry(1).latency_ms == 160


def test_settings_are_kept_for_a_second_pass_that_is_opened_later(desk: Desk) -> None:
    desk.apply(opened(1), update(1, language="en-US", keyterms=("they", "with")))
    assert (desk.entry(1).language, desk.entry(1).keyterms) == ("en-US", ("they", "with"))
    [changed] = desk.apply(update(1, refine="on"))
    assert changed == SecondPassChanged(1, active=True)
    assert desk.engine.slots_used == desk.admin.slots_used == 2
    assert len(desk.entry(1).leases) == 2


def test_a_second_pass_that_could_give_way_does_not_count_as_used(desk: Desk) -> None:
    desk.apply(opened(1), update(1, refine="auto"))
    assert (desk.engine.slots_used, desk.admin.slots_used) == (2, 1)
    answers = desk.apply(*(opened(stream) for stream in range(2, SLOTS + 1)))
    assert SecondPassChanged(1, active=False) in answers
    assert not any(isinstance(answer, StreamFailure) for answer in answers)


def test_a_last_flush_ends_the_input_and_keeps_the_second_pass(desk: Desk) -> None:
    desk.apply(opened(1), update(1, refine="auto"), FlushStream(1, 7, last=True))
    assert desk.admin.slots_used == 2
    results = [row for _ in range(20) if desk.engine.ready for row in desk.engine.step().rows()]
    assert [(row.mark, row.ended) for row in results if row.ended] == [(7, True), (7, True)]
    assert desk.engine.slots_used == 0


def test_background_streams_take_no_planned_time_and_at_most_half_of_the_slots(tight: Desk) -> None:
    for stream in (1, 2):
        tight.apply(opened(stream), update(stream, starting=True, offline=True))
        assert (tight.entry(stream).offline, tight.entry(stream).latency_ms) == (True, LONGEST)
    assert tight.admission.load == 0
    tight.apply(opened(3))
    [refused] = tight.apply(update(3, starting=True, offline=True))
    assert isinstance(refused, StreamFailure)
    assert (refused.code, "as many files" in refused.message) == ("server_full", True)
    tight.apply(CloseStream(1), opened(4))
    assert tight.apply(update(4, starting=True, offline=True)) == []


def test_an_error_fails_one_stream_and_names_no_detail(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.apply(opened(1), opened(2))
    [failed] = desk.apply(update(2, latency_ms=90))
    assert isinstance(failed, StreamFailure)
    assert (failed.stream, failed.code) == (2, "internal")
    assert "90" not in failed.message
    assert "stream failed gateway=61 stream=2" in caplog.text
    assert (len(desk.table), desk.engine.slots_used) == (1, 1)


def test_a_missing_slot_is_no_error_of_ours(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.apply(opened(1))
    desk.admin.fail((A, 1), NoSlot("full"))
    assert desk.table.get((A, 1)) is not None
    assert caplog.text == ""


def test_a_removed_stream_frees_its_time_and_leaves_its_leases(tight: Desk) -> None:
    tight.apply(opened(1))
    entry = tight.admin.remove((A, 1))
    assert entry is not None
    assert (tight.admission.load, tight.engine.slots_used) == (0, 1)
    tight.engine.close(entry.lease)
    assert tight.admin.remove((A, 1)) is None
