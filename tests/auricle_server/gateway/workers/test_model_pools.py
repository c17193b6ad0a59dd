"""Several models of one gateway: which of them a client gets, and what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest

from auricle_server.gateway.errors import UnknownModel
from auricle_server.gateway.workers import model_pools as module
from auricle_server.gateway.workers.model_pools import ModelChannels, ModelPools
from auricle_server.ipc.loading_status import LoadingStatus
from auricle_server.ipc.messages import WorkerStats
from auricle_server.telemetry.metrics import Metrics
from tests.auricle_server.gateway.leases import INFO
from tests.auricle_server.gateway.workers.fake_channel import FakeChannel
from tests.auricle_server.raw_client import until

EN, MULTI = replace(INFO, name="en", source="demo"), replace(INFO, name="multi", source="demo-multilingual", slots=2)
FOREIGN = ("whisper", "gpt-")


def loading(name: str) -> list[LoadingStatus]:
    return [LoadingStatus(name)]


@asynccontextmanager
async def pools_of(*names: str) -> AsyncIterator[tuple[ModelPools, list[FakeChannel], Metrics, list[int]]]:
    """Models without a worker yet, and the beats that were made."""
    channels, metrics, beats = [FakeChannel() for _ in names], Metrics(), list[int]()
    given = [
        ModelChannels([channel], name, loading=partial(loading, name))
        for name, channel in zip(names, channels, strict=True)
    ]
    pools = ModelPools(given, metrics, lambda: beats.append(1))
    running = asyncio.create_task(pools.run())
    try:
        yield pools, channels, metrics, beats
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_a_server_is_ready_when_each_of_its_models_is() -> None:
    async with pools_of("en", "multi") as (pools, channels, _, _):
        channels[0].join(EN)
        await until(lambda: pools.default.ready)
        assert (pools.ready, pools.arrived.is_set()) == (False, False)
        assert [status.what for status in pools.loading()] == ["multi"]
        channels[1].join(MULTI)
        await until(lambda: pools.ready)
        await until(pools.arrived.is_set)
        assert (pools.slots, pools.infos, pools.loading()) == (6, [EN, MULTI], [])


async def test_a_model_is_found_by_its_name_and_by_that_of_its_checkpoint() -> None:
    async with pools_of("en", "multi") as (pools, channels, _, _):
        for channel, info in zip(channels, (EN, MULTI), strict=True):
            channel.join(info)
        await until(lambda: pools.ready)
        found = {name: pools.find(name).name for name in (None, "", "en", "multi", "demo", "demo-multilingual")}
        assert list(found.values()) == ["en", "en", "en", "multi", "en", "multi"]
        for name in ("EN", "whisper-1", "multi "):
            with pytest.raises(UnknownModel, match="this server has en, multi, not"):
                pools.find(name)


async def test_names_of_another_servers_models_stand_for_the_default() -> None:
    async with pools_of("en", "multi") as (pools, _, _, _):
        assert pools.find_tolerant("whisper-1", FOREIGN).name == "en"
        assert pools.find_tolerant("GPT-4o-transcribe", FOREIGN).name == "en"
        assert pools.find_tolerant("multi", FOREIGN).name == "multi"
        with pytest.raises(UnknownModel):
            pools.find_tolerant("mutli", FOREIGN)


async def test_a_model_that_is_named_like_another_servers_is_found() -> None:
    async with pools_of("en", "whisper-1") as (pools, _, _, _):
        assert pools.find_tolerant("whisper-1", FOREIGN).name == "whisper-1"


async def test_a_server_with_one_model_takes_every_name_of_another_server() -> None:
    async with pools_of("") as (pools, channels, _, _):
        channels[0].join()
        await until(lambda: pools.ready)
        assert pools.find_tolerant("anything", ()).name == INFO.name
        with pytest.raises(UnknownModel, match="this server has m, not 'anything'"):
            pools.find("anything")


async def test_beats_keep_the_gauges_of_all_models_and_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    async with pools_of("en", "multi") as (_, channels, metrics, beats):
        for channel, info in zip(channels, (EN, MULTI), strict=True):
            channel.join(info)
        channels[0].reply(WorkerStats(3, 0.5, 0.5, 4, False))
        channels[1].reply(WorkerStats(2, 0.25, 0.5, 9, False))
        value = metrics.registry.get_sample_value
        await until(lambda: value("auricle_slots_used") == 5)
        assert beats
        assert (value("auricle_slots"), value("auricle_capacity_streams")) == (6, 13)
        assert value("auricle_load", {"worker": "1", "kind": "predicted"}) == 0.25
        assert value("auricle_load", {"worker": "1", "kind": "measured"}) == 0.5
        of_multi = [f"auricle_model_{name}" for name in ("ready", "slots", "slots_used", "capacity_streams")]
        assert [value(name, {"model": "multi"}) for name in of_multi] == [1, 2, 2, 9]
        assert value("auricle_model_slots_used", {"model": "en"}) == 3


async def test_a_model_in_anothers_place_leaves_that_one_without_capacity() -> None:
    async with pools_of("") as (pools, channels, metrics, _):
        figures = "auricle_model_ready", "auricle_model_slots"

        def values(model: str) -> list[float | None]:
            return [metrics.registry.get_sample_value(name, {"model": model}) for name in figures]

        channels[0].join(replace(INFO, name="old"))
        await until(lambda: pools.default.name == "old")
        pools.update_gauges()
        assert values("old") == [1, 4]
        channels[0].join(replace(INFO, name="new"))
        await until(lambda: pools.default.name == "new")
        pools.update_gauges()
        assert values("old") == [0, 0]
        assert values("new") == [1, 4]
