from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auricle_server.bench import MissingPackage
from auricle_server.bench.baselines import sherpa_onnx
from auricle_server.bench.baselines.sherpa_onnx import LEAD_SAMPLES, SherpaModel, SherpaSide, metadata
from tests.support.engine.tiny_model import CONFIG


class Stream:
    """Counts the samples that sherpa-onnx's stream would get."""

    def __init__(self) -> None:
        self.samples = 0

    def accept_waveform(self, rate: int, samples: np.ndarray[Any, np.dtype[np.float32]]) -> None:
        assert rate == 16_000
        assert samples.dtype == np.float32
        assert np.abs(samples).max() <= 1
        self.samples += len(samples)


class Recogniser:
    """Records the calls that sherpa-onnx's recogniser would get; a stream is ready from 1,000 samples of audio on."""

    def __init__(self) -> None:
        self.decoded: list[int] = []

    def create_stream(self) -> Stream:
        return Stream()

    def is_ready(self, stream: Stream) -> bool:
        return stream.samples >= LEAD_SAMPLES + 1000

    def decode_streams(self, streams: list[Stream]) -> None:
        self.decoded.append(len(streams))


def test_without_sherpa_onnx_the_baseline_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sherpa_onnx, "NEEDED", ("sherpa_onnx_of_another_name",))
    with pytest.raises(MissingPackage, match=r"sherpa_onnx_of_another_name not installed.*'\.\[sherpa\]'"):
        SherpaModel(Path("model.nemo"), bins=80, threads=1, int8=False)


def test_a_round_decodes_the_streams_that_are_ready_in_batches() -> None:
    recogniser = Recogniser()
    side = SherpaSide(recogniser, streams=5, batch=2, name="sherpa-onnx float32")
    loud = np.full((5, 600), -32768, np.int16)
    side.round(loud)
    assert recogniser.decoded == []
    side.round(loud)
    assert recogniser.decoded == [2, 2, 1]


def test_the_encoder_tells_the_shapes_of_its_caches() -> None:
    told = metadata(CONFIG, (70, 6), 65, 56)
    assert (told["window_size"], told["chunk_shift"]) == ("65", "56")
    assert told["vocab_size"] == str(CONFIG.decoder.vocabulary)
    assert told["cache_last_channel_dim2"] == "70"
    assert told["cache_last_time_dim3"] == str(CONFIG.encoder.conv_kernel - 1)
    assert all(isinstance(value, str) for value in told.values())
