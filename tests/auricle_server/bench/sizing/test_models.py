from __future__ import annotations

from pathlib import Path

import pytest

from auricle_server.bench.sizing.models import (
    CannotSize,
    check_latency,
    committed,
    of_cpu,
    of_gpu,
    of_model,
    sized_model,
)
from auricle_server.checkpoints.hub.short_names import NEMOTRON_EN
from tests.auricle_server.bench.sizing.records import COMMITTED, gpu_record, steps_figures


@pytest.mark.parametrize("name", ["nemotron-en", NEMOTRON_EN, "random-en", "en"])
def test_a_model_is_known_by_all_its_names(name: str) -> None:
    model = sized_model(name)
    assert model.name == "nemotron-en"
    assert {"nemotron-en", NEMOTRON_EN, "random-en"} <= model.recorded
    assert model.latencies_ms == [80, 160, 560, 1120]


def test_an_unknown_model_and_a_latency_that_it_lacks_are_named() -> None:
    with pytest.raises(CannotSize, match=r"whisper.*choose from nemotron-en, nemotron-3\.5"):
        sized_model("whisper")
    assert 320 in sized_model("nemotron-3.5").latencies_ms
    with pytest.raises(CannotSize, match="--latency-ms 320: nemotron-en offers 80, 160, 560, 1120"):
        check_latency(sized_model("nemotron-en"), 320)


def test_records_are_told_apart_by_model_gpu_and_machine(tmp_path: Path) -> None:
    assert committed(tmp_path / "nowhere") == []
    results = committed(COMMITTED)
    ours = of_model(results, sized_model("nemotron-en"))
    assert {each["figures"]["model"] for each in ours} == {"random-en"}
    gpu = gpu_record("steps", steps_figures(1, {1: 0.001}))
    assert of_gpu([*ours, gpu], "H200") == [gpu]
    assert of_gpu([*ours, gpu], "H100") == []
    assert gpu not in of_cpu([*ours, gpu], None)
    with pytest.raises(CannotSize, match=r"--machine mine: no record is of it; there are records of amd-epyc-2-cores"):
        of_cpu(ours, "mine")
    with pytest.raises(CannotSize, match="auricle bench engine --device cpu"):
        of_cpu([gpu], None)
