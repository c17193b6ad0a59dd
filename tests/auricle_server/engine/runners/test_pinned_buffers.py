from __future__ import annotations

import numpy as np
import pytest
import torch

from auricle_server.engine.runners.pinned_buffers import PinnedBuffers

CPU = torch.device("cpu")


def test_arrays_of_all_types_are_copied_there_and_back() -> None:
    buffers = PinnedBuffers(
        CPU, {"pcm": ((3, 5), torch.int16), "numbers": ((2,), torch.int64), "scores": ((7,), torch.float32)}
    )
    buffers.on_host("pcm")[:] = np.arange(15).reshape(3, 5)
    buffers.on_host("numbers")[:] = (1 << 40, -1)
    buffers.send()
    assert buffers.on_device("pcm").tolist() == np.arange(15).reshape(3, 5).tolist()
    assert buffers.on_device("numbers").tolist() == [1 << 40, -1]
    buffers.on_device("scores").copy_(torch.linspace(0, 1, 7))
    buffers.on_device("numbers").zero_()
    buffers.fetch()
    assert buffers.on_host("scores").tolist() == pytest.approx(np.linspace(0, 1, 7).tolist())
    assert buffers.on_host("numbers").tolist() == [0, 0]
