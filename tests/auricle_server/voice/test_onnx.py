"""One ONNX file for many threads."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from auricle_server.voice import onnx
from auricle_server.voice.onnx import Network, to_float


def test_pcm_becomes_floats_from_minus_one_to_one() -> None:
    pcm = np.array([-32768, 0, 16384, 32767], "<i2").tobytes()
    assert to_float(pcm).tolist() == [-1.0, 0.0, 0.5, pytest.approx(1.0, abs=1e-4)]
    assert to_float(memoryview(pcm)).dtype == np.float32


def test_a_network_loads_once_whoever_runs_it_first(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = list[Path]()

    class Session:
        def run(self, names: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            return [inputs["x"] + 1]

    def open_file(path: Path) -> Session:
        opened.append(path)
        return Session()

    monkeypatch.setattr(onnx, "open_network", open_file)
    network, path = Network(Path("model.onnx")), Path("model.onnx")
    threads = [threading.Thread(target=network.load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == [path]
    assert network.run(x=np.array([1.0]))[0].tolist() == [2.0]
    assert opened == [path]
