"""Silero's weights are found in its file, and the graph made of them is an ONNX file for any number of windows."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.voice.models import LoadedModels, find_models
from auricle_server.voice.onnx import open_network
from auricle_server.voice.silero_graph import UnknownNetwork, rewritten, weights_of


@pytest.fixture(scope="module")
def file() -> bytes:
    path = find_models().silero
    assert path is not None
    return path.read_bytes()


def test_the_weights_are_those_of_the_branch_at_16_khz(file: bytes) -> None:
    weights = weights_of(file)
    assert weights["encoder.0.reparam_conv.weight"].shape == (128, 129, 3)
    basis = weights["stft.forward_basis_buffer"][:, 0]
    angles = 2 * np.pi * np.outer(np.arange(129), np.arange(256)) / 256
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(256) / 256)
    assert basis[:129] == pytest.approx(np.cos(angles) * window, abs=1e-3)
    assert np.abs(basis[129:]) == pytest.approx(np.abs(np.sin(angles) * window), abs=1e-3)


def test_the_graph_says_the_same_for_any_number_of_windows(file: bytes, models: LoadedModels) -> None:
    own, anew = open_network(models.silero._path), open_network(rewritten(file))
    rng = np.random.default_rng(0)
    for rows in (1, 2, 5, 33):
        windows = rng.normal(0, 0.1, (rows, 576)).astype(np.float32)
        states = rng.normal(0, 0.3, (2, rows, 128)).astype(np.float32)
        expected = own.run(None, {"input": windows, "state": states, "sr": np.array(16000, np.int64)})
        output, following = anew.run(None, {"input": windows, "state": states})
        assert output.shape == (rows, 1)
        assert following.shape == (2, rows, 128)
        assert output == pytest.approx(expected[0], abs=1e-5)
        assert following == pytest.approx(expected[1], abs=1e-4)


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "other"])
def test_a_file_that_is_not_silero_is_refused(file: bytes, damage: str) -> None:
    files = {"empty": b"", "cut": file[: len(file) // 2], "noise": bytes(range(7, 256)) * 9, "other": rewritten(file)}
    with pytest.raises(UnknownNetwork):
        rewritten(files[damage])
