from __future__ import annotations

import numpy as np

from auricle_server.bench.fleet.fleet_events import FleetServers, Outages


def servers(count: int, **outages: object) -> FleetServers:
    return FleetServers(count, Outages(**outages), np.random.default_rng(0))  # type: ignore[arg-type]


def test_a_lost_zone_goes_silently_and_comes_back() -> None:
    fleet = servers(7, zones=3, lost_zone=(10.0, 60.0))
    assert fleet.advance(9.5, 0.5) == []
    [ending] = fleet.advance(10.0, 0.5)
    assert (np.flatnonzero(ending.servers).tolist(), ending.silent) == ([0, 3, 6], True)
    assert fleet.taking.sum() == 4
    assert fleet.advance(10.5, 0.5) == []
    assert fleet.advance(69.5, 0.5) == []
    assert fleet.taking.sum() == 4
    assert fleet.advance(70.0, 0.5) == []
    assert fleet.taking.all()


def test_an_update_drains_so_many_at_a_time_and_ends() -> None:
    fleet = servers(5, update=1.0, update_at_once=2, drain=3.0, restart=2.0)
    away, ended = [], 0
    for tick in range(40):
        for ending in fleet.advance(float(tick), 1.0):
            assert not ending.silent
            ended += int(ending.servers.sum())
        away.append(5 - int(fleet.taking.sum()))
    assert max(away) == 2
    assert (fleet.updated, ended) == (5, 5)
    # Three rounds of a drain and a restart.
    assert fleet.update_ended == 1 + 3 * (3 + 2)
    assert fleet.taking.all()


def test_while_it_drains_a_server_keeps_its_streams_and_takes_none() -> None:
    fleet = servers(2, update=0.0, drain=5.0)
    fleet.advance(0.0, 1.0)
    assert fleet.up.all()
    assert fleet.taking.tolist() == [False, True]


def test_an_update_waits_for_servers_that_are_away() -> None:
    fleet = servers(4, zones=4, lost_zone=(0.0, 20.0), update=0.0, update_at_once=4, drain=1.0, restart=1.0)
    for tick in range(60):
        fleet.advance(float(tick), 1.0)
    assert fleet.updated == 4
    assert fleet.update_ended is not None
    assert fleet.update_ended > 20


def test_failures_come_as_often_as_they_should() -> None:
    year = 365 * 86_400.0
    fleet = servers(1000, crashes=year / 1000, machine_losses=year / 4000, restart=0.0, repair=0.0)
    crashed = lost = 0
    for tick in range(200):
        for ending in fleet.advance(float(tick), 1.0):
            if ending.silent:
                lost += int(ending.servers.sum())
            else:
                crashed += int(ending.servers.sum())
    assert 140 < crashed < 260
    assert 25 < lost < 80
