"""What names of precisions mean, which format suits a model, and what is refused in words."""

from __future__ import annotations

import pytest
import torch

from auricle_server.dtypes import DTYPES
from auricle_server.engine import weight_formats
from auricle_server.engine.weight_formats import (
    LARGE,
    Dtypes,
    UnsupportedDtype,
    WeightFormat,
    check_format,
    default_format,
    parse_dtype,
)

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_every_name_has_a_meaning() -> None:
    assert {name: parse_dtype(name) for name in DTYPES} == {
        "auto": Dtypes(),
        "float32": Dtypes(torch.float32, WeightFormat.FLOAT32),
        "bfloat16": Dtypes(torch.bfloat16, WeightFormat.FLOAT32),
        "fp16-weights": Dtypes(torch.float32, WeightFormat.FP16),
        "int8": Dtypes(torch.float32, WeightFormat.INT8),
    }
    with pytest.raises(ValueError, match="'half' is none of auto, float32"):
        parse_dtype("half")


def test_auto_takes_fp16_weights_for_large_models_on_a_cpu_alone() -> None:
    assert default_format(LARGE, torch.float32, CPU) is WeightFormat.FP16
    assert default_format(LARGE - 1, torch.float32, CPU) is WeightFormat.FLOAT32
    assert default_format(LARGE, torch.bfloat16, CPU) is WeightFormat.FLOAT32
    assert default_format(LARGE, torch.float32, CUDA) is WeightFormat.FLOAT32


def test_without_fbgemm_auto_takes_float32_and_the_formats_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_formats, "has_fbgemm", lambda: False)
    assert default_format(LARGE, torch.float32, CPU) is WeightFormat.FLOAT32
    check_format(WeightFormat.FLOAT32, torch.float32, CPU)
    with pytest.raises(UnsupportedDtype, match=r"needs FBGEMM.*take float32"):
        check_format(WeightFormat.INT8, torch.float32, CPU)


def test_formats_of_a_cpu_are_refused_elsewhere() -> None:
    with pytest.raises(UnsupportedDtype, match="is for CPUs; on cuda take bfloat16"):
        check_format(WeightFormat.FP16, torch.float32, CUDA)
    with pytest.raises(UnsupportedDtype, match="computes in float32"):
        check_format(WeightFormat.FP16, torch.bfloat16, CPU)


def test_fp8_is_for_gpus_from_hopper_on_and_has_no_name_for_users(monkeypatch: pytest.MonkeyPatch) -> None:
    check_format(WeightFormat.FP8, torch.bfloat16, CPU)
    with pytest.raises(UnsupportedDtype, match=r"have bfloat16 results, not torch\.float32"):
        check_format(WeightFormat.FP8, torch.float32, CPU)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    check_format(WeightFormat.FP8, torch.bfloat16, CUDA)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 9))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "an older GPU")
    with pytest.raises(UnsupportedDtype, match=r"need compute capability 9\.0 .* which an older GPU has not"):
        check_format(WeightFormat.FP8, torch.bfloat16, CUDA)
    assert WeightFormat.FP8 not in DTYPES


def test_int8_is_for_the_encoder() -> None:
    assert [each.outside_encoder for each in WeightFormat] == [
        WeightFormat.FLOAT32,
        WeightFormat.FP16,
        WeightFormat.FP16,
        WeightFormat.FLOAT32,
    ]
    assert [each.bytes_per_weight for each in WeightFormat] == [4, 2, 1, 1]
