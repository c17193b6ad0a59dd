from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auricle_server.checkpoints import CheckpointNotFound
from auricle_server.config import ServerConfig
from auricle_server.served_models import Placement
from auricle_server.worker.factory import build_admission, build_engine, model_info
from tests.auricle_server.fake_engine import FakeEngine
from tests.support import tones

CONFIG = ServerConfig(model=str(tones.CHECKPOINT), device="cpu", slots=3)


def test_the_configured_latency_is_the_default() -> None:
    engine = FakeEngine().as_engine()
    assert model_info(engine).default_latency_ms == 80
    assert model_info(engine, 160) == replace(engine.info, default_latency_ms=160, source="stand-in")


def test_a_latency_that_the_model_does_not_offer_is_refused() -> None:
    with pytest.raises(ValueError, match="offers 80, 160, not 560"):
        model_info(FakeEngine().as_engine(), 560)


def test_an_engine_is_built_as_configured() -> None:
    engine = build_engine(CONFIG)
    assert (engine.info.slots, engine.device.type) == (3, "cpu")
    assert engine.info.latencies_ms == (80, 160, 560, 1120)


def test_a_model_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointNotFound, match=r"none\.nemo"):
        build_engine(replace(CONFIG, model=str(tmp_path / "none.nemo")))


def test_each_of_several_workers_takes_a_device_of_its_own() -> None:
    several = replace(CONFIG, device="cuda", workers=64)
    with pytest.raises((RuntimeError, AssertionError, ValueError), match=r"(?i)cuda"):
        build_engine(several, Placement(63))


def test_without_a_bound_nothing_is_timed() -> None:
    engine = FakeEngine()
    admission = build_admission(replace(CONFIG, max_load=0.0), engine.as_engine())
    assert (engine.steps, admission.load, admission.fits(80)) == (0, 0, True)


def test_with_a_bound_the_engine_is_timed() -> None:
    engine = FakeEngine()
    admission = build_admission(replace(CONFIG, max_load=0.8), engine.as_engine())
    assert engine.steps > 0
    assert admission.capacity(80, 4) >= 1
    assert engine.slots_used == 0
