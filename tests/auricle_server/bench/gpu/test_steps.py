from __future__ import annotations

import json
from pathlib import Path

import pytest

from auricle_server.bench.gpu import ceilings
from auricle_server.bench.gpu.steps import StepsOptions, run
from tests.support import tones

OPTIONS = StepsOptions(model=str(tones.CHECKPOINT), latencies_ms=(80, 1120), rows=(3, 1), device="cpu", profile=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "ROUNDS", 1)


def test_every_size_is_timed_and_explained(tmp_path: Path) -> None:
    said: list[str] = []
    options = StepsOptions(**{**{name: getattr(OPTIONS, name) for name in OPTIONS.__slots__}, "out": tmp_path})
    result = run(options, said.append)
    [path] = tmp_path.iterdir()
    assert json.loads(path.read_text()) == json.loads(json.dumps(result))
    steps = [limit["step"] for limit in result["figures"]["steps"]]
    assert [(step["frames"], step["rows"]) for step in steps] == [(1, 3), (1, 1), (14, 3), (14, 1)]
    for step in steps:
        assert 0 < step["device"] <= 1.5 * step["period"]
        assert step["waited"] == step["device"], "the host is the device"
    assert sum("bound by" in line for line in said) == 4
    assert result["figures"]["warm_up"]["seconds"] > 0


def test_in_fp8_the_floor_is_lower_and_the_record_says_so(tmp_path: Path) -> None:
    def floor(fp8: bool) -> float:
        options = StepsOptions(
            model=str(tones.CHECKPOINT),
            latencies_ms=(80,),
            rows=(2,),
            device="cpu",
            fp8_products=fp8,
            fp8_rings=fp8,
            out=tmp_path,
        )
        figures = run(options, lambda _: None)["figures"]
        assert figures["fp8"] == (["products", "rings"] if fp8 else [])
        [attention] = [part for part in figures["steps"][0]["parts"] if part["part"] == "attention"]
        return float(attention["memory"] * figures["ceilings"]["bandwidth"])

    assert 0.2 < floor(True) / floor(False) < 0.5
    assert len(list(tmp_path.iterdir())) == 2


def test_without_time_the_record_has_the_ceilings(tmp_path: Path) -> None:
    said: list[str] = []
    options = StepsOptions(
        model=str(tones.CHECKPOINT), latencies_ms=(80,), rows=(1,), device="cpu", budget=1e-6, out=tmp_path
    )
    result = run(options, said.append)
    assert result["figures"]["steps"] == []
    assert result["figures"]["ceilings"]["bandwidth"] > 0
    assert said[-1] == "80 ms, 1 rows: skipped, the time budget is used up"


def test_an_unknown_latency_is_named(tmp_path: Path) -> None:
    options = StepsOptions(model=str(tones.CHECKPOINT), latencies_ms=(90,), device="cpu", out=tmp_path)
    with pytest.raises(ValueError, match="no latency of 90 ms; it offers 80"):
        run(options, lambda _: None)
