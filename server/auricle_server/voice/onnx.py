"""ONNX Runtime as both models use it: one thread a call, without the interpreter's lock."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_CPUINFO = Path("/proc/cpuinfo")
Floats = npt.NDArray[np.float32]


class Network:
    """An ONNX file, loaded when it is first run; any number of threads may share it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loading = threading.Lock()
        self._session: Any = None

    def load(self) -> None:
        """Loads the file, unless it is loaded; blocks for some tenths of a second.

        Raises:
            Exception: The file is damaged; ONNX Runtime has a class for each way.
        """
        # Several threads of a pool may need the network for the first time at once.
        with self._loading:
            if self._session is None:
                self._session = self._open()

    def _open(self) -> Any:
        """The file as ONNX Runtime runs it."""
        return open_network(self._path)

    def run(self, **inputs: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Runs the network on named inputs and returns its outputs."""
        if self._session is None:
            self.load()
        outputs: list[npt.NDArray[Any]] = self._session.run(None, inputs)
        return outputs


def open_network(file: Path | bytes) -> Any:
    """An ONNX file, or what is in one, as ONNX Runtime runs it."""
    # Here, as it is optional: a server without the extra `turns` never gets here.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # The thread pools of the gateway are the parallelism; ONNX Runtime would start as many threads as there are cores
    # for each network.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    if not _adds_exactly():
        options.add_session_config_entry("session.x64quantprecision", "1")
    source = file if isinstance(file, bytes) else str(file)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _adds_exactly() -> bool:
    """Whether the processor has VNNI, whose sums of 8-bit products are exact.

    On x86 without it, ONNX Runtime takes VPMADDUBSW by default, whose sums of two saturate at 16 bits: where Smart Turn
    says 0.26 with exact sums it then says 0.06. With ``x64quantprecision`` it takes an exact product, for half as much
    time again. Other processors are exact and ignore the option, and so does a network of floats.
    """
    try:
        flags = set(_CPUINFO.read_text().split())
    except OSError:
        return False
    return not flags.isdisjoint({"avx512_vnni", "avx_vnni"})


def to_float(pcm: bytes | memoryview) -> Floats:
    """Signed 16-bit little-endian samples as floats from -1 to 1."""
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
