"""What a worker leaves to the models that are loaded after it."""

from __future__ import annotations

import pytest

from auricle_server.checkpoints import CheckpointNotFound, load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.engine.build import Hardware
from auricle_server.engine.model.state_pool import CPU_SLOTS
from auricle_server.served_models import Placement, ServedModel
from auricle_server.worker.factory import build_engine
from auricle_server.worker.memory_plan import NoMemoryForModel, need_of, slots_beside, worker_device

CONFIG = ServerConfig(model="demo", device="cpu")
DEMO = load_checkpoint("demo").config
MULTI = ServedModel("demo-multilingual", "multi")


def beside(*later: tuple[ServedModel, int], share: float | None = None) -> Placement:
    return Placement(0, 2, share, later)


def test_the_memory_that_is_left_is_shared_with_the_models_that_follow() -> None:
    own = need_of(CONFIG, DEMO, 0)
    other = need_of(MULTI.config(CONFIG), load_checkpoint("demo-multilingual").config, 0)
    free = own.weights + other.weights + 10 * (own.stream + other.stream)
    assert slots_beside(CONFIG, DEMO, beside((MULTI, 0)), free=free) == 10
    assert slots_beside(CONFIG, DEMO, beside(), free=free) > 20
    twice = free + other.weights + 10 * other.stream
    assert slots_beside(CONFIG, DEMO, beside((MULTI, 0), (MULTI, 1)), free=twice) == 10
    assert slots_beside(CONFIG, DEMO, beside((MULTI, 0)), free=1 << 62) == CPU_SLOTS


def test_models_on_other_devices_take_nothing() -> None:
    own = need_of(CONFIG, DEMO, 0)
    elsewhere = ServedModel("demo-multilingual", "multi", device="cuda:1")
    assert slots_beside(CONFIG, DEMO, beside((elsewhere, 0)), free=own.weights + 10 * own.stream) == 10


def test_too_little_memory_is_said_before_anything_is_loaded() -> None:
    own = need_of(CONFIG, DEMO, 0)
    with pytest.raises(NoMemoryForModel, match=r"memory: demo and the models .* are free on cpu; give models fewer"):
        slots_beside(CONFIG, DEMO, beside((MULTI, 0)), free=own.weights)


def test_a_later_model_that_does_not_exist_is_named() -> None:
    with pytest.raises(CheckpointNotFound, match="/there/is/none"):
        slots_beside(CONFIG, DEMO, beside((ServedModel("/there/is/none", "x"), 0)))


def test_each_of_several_workers_of_a_model_has_a_gpu_of_its_own() -> None:
    several = ServerConfig(device="cuda", workers=2)
    assert [worker_device(several, index) for index in range(2)] == ["cuda:0", "cuda:1"]
    assert worker_device(CONFIG, 1) == "cpu"


def test_an_engine_beside_others_holds_what_was_planned() -> None:
    engine = build_engine(CONFIG, beside((MULTI, 0)))
    assert engine.info.slots == slots_beside(CONFIG, DEMO, beside((MULTI, 0)))
    assert engine.weights == Hardware("cpu").resolved().format_for(DEMO)
