from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from auricle.reconnect import ReconnectPolicy
from auricle_server.bench.fleet import simulation
from auricle_server.bench.fleet.balancer import accepted
from auricle_server.bench.fleet.calls import Calls, Traffic
from auricle_server.bench.fleet.delays import QUANTILES, DelayTable
from auricle_server.bench.fleet.fleet_events import Outages
from auricle_server.bench.fleet.simulation import Fleet, FleetOptions, simulate
from auricle_server.bench.sizing.step_times import Basis, StepTimes
from auricle_server.engine.scheduling.slot_pool import SlotPool
from auricle_server.worker.admission import Admission

Ints = npt.NDArray[np.int64]
TABLE = DelayTable(np.array([1.0, 40.0]), np.array([QUANTILES * 0.02, QUANTILES * 0.08]), np.array([0.1, 1.0]))
TIMES = StepTimes(160, (1, 32), (0.010, 0.100), 32, Basis.MEASURED, "a test")
CAPACITY = Admission((160,), 0.8, TIMES.calibration).capacity(160, 1000)
BUSY = FleetOptions(
    servers=6,
    capacity=CAPACITY,
    traffic=Traffic(streams=6.0 * CAPACITY, mean_seconds=20),
    outages=Outages(zones=3, lost_zone=(30.0, 30.0), update=70.0, drain=5.0, restart=3.0, notice=(1.0, 4.0)),
    seconds=150.0,
    proxies=3,
    seed=5,
)


class AdmittedByTheServer(Fleet):
    """Beside the fleet, the admission and the slots of real workers see the same streams, one by one."""

    def __init__(self, options: FleetOptions, delays: DelayTable) -> None:
        super().__init__(options, delays)
        self.admissions = [Admission((160,), 0.8, TIMES.calibration) for _ in range(options.servers)]
        self.slots = [SlotPool(options.capacity + 5) for _ in range(options.servers)]
        self.leases: list[list[Any]] = [[] for _ in range(options.servers)]
        self.refused = 0

    def accept(self, server: int, streams: int) -> int:
        taken = 0
        for _ in range(streams):
            if self._servers.taking[server] and self.admissions[server].fits(160):
                self.admissions[server].add(160)
                self.leases[server].append(self.slots[server].take())
                taken += 1
        self.refused += streams - taken
        return taken

    def _remove(self, calls: Calls) -> None:
        for server in (calls.places % len(self.admissions)).tolist():
            self.admissions[server].remove(160)
            self.slots[server].release(self.leases[server].pop())
        super()._remove(calls)


def test_a_server_of_the_fleet_takes_what_the_servers_own_admission_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = AdmittedByTheServer(BUSY, TABLE)

    def compared(assigned: Ints, free: Ints, order: Ints) -> Ints:
        taken = accepted(assigned, free, order)
        really = [fleet.accept(server, int(streams)) for server, streams in enumerate(assigned.sum(axis=0))]
        assert taken.sum(axis=0).tolist() == really
        return taken

    monkeypatch.setattr(simulation, "accepted", compared)
    figures = fleet.run()
    # The trace has all that decides: full servers, refusals, losses, drains.
    assert fleet.refused > 100
    assert figures.refused > 100
    assert figures.moved > 50
    assert figures.updated == 6
    assert [pool.used for pool in fleet.slots] == fleet.streams.tolist()


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    first, again, other = (simulate(replace(BUSY, seed=seed), TABLE) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", range(3))
def test_no_call_is_lost_from_the_books(seed: int) -> None:
    fleet = Fleet(replace(BUSY, seed=seed), TABLE)
    fleet.run()
    on_servers = fleet._pool.take(np.ones(6, np.bool_), 3)
    assert len(on_servers) == fleet.streams.sum()
    assert np.bincount(on_servers.places, minlength=18).tolist() == fleet._counts.ravel().tolist()
    assert (fleet._counts >= 0).all()
    assert (fleet.streams <= CAPACITY).all()


def test_no_call_is_refused_while_a_server_has_room() -> None:
    figures = Fleet(replace(BUSY, traffic=Traffic(streams=2.0 * CAPACITY, mean_seconds=20)), TABLE).run()
    assert (figures.refused, figures.given_up) == (0, 0)
    assert figures.moved > 20


def test_the_loss_of_a_zone_costs_no_call_where_the_others_have_room() -> None:
    """While proxies do not know of it, lost servers neither look empty to them nor are tried twice."""
    many = FleetOptions(
        servers=300,
        capacity=CAPACITY,
        traffic=Traffic(streams=0.5 * 300 * CAPACITY, mean_seconds=60),
        outages=Outages(zones=3, lost_zone=(10.0, 60.0), update=9.5, update_at_once=10, drain=3.0),
        seconds=40.0,
        proxies=8,
    )
    figures = Fleet(many, TABLE).run()
    assert figures.refused <= figures.calls * 1e-4
    assert figures.asked_again > 0
    assert figures.moved > 0.1 * 300 * CAPACITY


def test_a_crash_costs_no_call() -> None:
    traffic = Traffic(streams=0.5 * 100 * CAPACITY, mean_seconds=60)
    some = FleetOptions(servers=100, capacity=CAPACITY, traffic=traffic, seconds=60.0, proxies=4)
    crashes = Outages(crashes=365 * 86_400 / 300.0, restart=5.0)
    figures = Fleet(replace(some, outages=crashes), TABLE).run()
    assert figures.refused == 0
    assert figures.moved > 100
    # Where some begin to drain, a proxy may ask two of them in turns until its next check.
    drains = replace(crashes, update=5.0, update_at_once=20, drain=1.0)
    assert Fleet(replace(some, outages=drains), TABLE).run().refused <= 0.01 * figures.calls


def test_an_outage_lasts_as_long_as_clients_take_to_notice_and_to_come_back() -> None:
    calm = replace(BUSY, traffic=Traffic(streams=2.0 * CAPACITY, mean_seconds=60), seconds=60.0)
    noticed = replace(calm, outages=Outages(zones=3, lost_zone=(20.0, 30.0), notice=(10.0, 30.0)))
    figures = Fleet(noticed, TABLE).run()
    assert 10 <= figures.interruption["p50"] <= 30
    assert figures.interruption["max"] <= 31
    told = replace(calm, outages=Outages(update=5.0, drain=2.0, restart=2.0))
    assert Fleet(told, TABLE).run().interruption["max"] <= 1.0


def test_clients_that_do_not_come_back_are_counted() -> None:
    no_retry = replace(BUSY, policy=ReconnectPolicy(attempts=1))
    figures = Fleet(no_retry, TABLE).run()
    assert figures.given_up > 10
    assert figures.still_waiting == 0


def test_an_overloaded_fleet_refuses_what_is_too_much() -> None:
    traffic = Traffic(streams=2.0 * 6 * CAPACITY, mean_seconds=20)
    figures = Fleet(replace(BUSY, traffic=traffic, outages=Outages(), seconds=200.0), TABLE).run()
    # Twice what it takes: Erlang's loss of many servers at that load is a little more than a half.
    assert 0.45 < figures.refused / figures.calls < 0.6
    assert figures.used > 0.95
    assert figures.most_streams <= 6 * CAPACITY
    assert len(figures.course["seconds"]) == len(figures.course["refused"])


def erlang(offered: float, servers: int) -> float:
    """Erlang's B formula: the share of calls that are refused."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked


def test_one_server_refuses_what_erlang_says() -> None:
    traffic = Traffic(streams=33, mean_seconds=10, spread=0.8)
    one = FleetOptions(servers=1, capacity=30, traffic=traffic, seconds=1500.0, tick=0.25, seed=3)
    figures = Fleet(one, TABLE).run()
    assert figures.refused / figures.calls == pytest.approx(erlang(33, 30), rel=0.25)
