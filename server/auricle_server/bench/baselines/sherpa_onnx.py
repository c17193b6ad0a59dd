"""sherpa-onnx as a baseline: its streaming recogniser for NeMo's transducers, with a model exported for it.

NeMo exports the encoder with its caches as inputs and outputs, the prediction network and the joint to ONNX. A chunk
latency needs an export of its own, because the recogniser reads the length of a window from the encoder's metadata. The
int8 model is made as by sherpa-onnx's export scripts: ``onnxruntime.quantization.quantize_dynamic`` with unsigned 8-bit
weights, on all three networks. What is read of the metadata: sherpa-onnx's ``online-transducer-nemo-model.cc``.
"""

from __future__ import annotations

import logging
import multiprocessing
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auricle_server.bench import MissingPackage
from auricle_server.bench.baselines.nemo import export_onnx
from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.load import load_checkpoint

Pcm = npt.NDArray[np.int16]

NETWORKS = "encoder", "decoder", "joiner"
NEEDED = "sherpa_onnx", "nemo", "onnx", "onnxruntime"
SUBSAMPLING = 8
"""Mel frames of an encoder frame."""
LEAD_SAMPLES = 2640
"""Silence before the audio, which puts each chunk's windows where NeMo and Auricle have them.

A first window has no frames before it, so that the encoder drops its two frames (16 mel frames of 160 samples), and
mel frame k lies around sample 160 k + 80.
"""


@dataclass(frozen=True, slots=True)
class OnnxFiles:
    """A model exported for one chunk latency; all files lie in one folder."""

    folder: Path
    suffix: str

    def network(self, name: str) -> Path:
        """The file of one of `NETWORKS`."""
        return self.folder / f"{name}{self.suffix}.onnx"

    @property
    def tokens(self) -> Path:
        """The vocabulary: a piece and its number in each line, blank last."""
        return self.folder / "tokens.txt"


def export(archive: Path, context: tuple[int, int], folder: Path, *, int8: bool) -> OnnxFiles:
    """Exports a ``.nemo`` archive for sherpa-onnx.

    Args:
        archive: The model; one without language prompts.
        context: Attention context (left, right), which decides the chunk latency.
        folder: Where to; it exists.
        int8: Whether to make the quantised files too and name those.

    Raises:
        ValueError: The model has language prompts.
    """
    checkpoint = load_checkpoint(str(archive))
    if checkpoint.config.prompt:
        raise ValueError(
            "the sherpa-onnx baseline exports models without language prompts only; choose another --model"
        )
    window, shift = export_onnx(archive, context, folder)
    plain = OnnxFiles(folder, "")
    _write_metadata(plain.network("encoder"), metadata(checkpoint.config, context, window, shift))
    pieces = (*checkpoint.pieces, "<blk>")
    plain.tokens.write_text("".join(f"{piece} {number}\n" for number, piece in enumerate(pieces)))
    if not int8:
        return plain
    quantised = OnnxFiles(folder, ".int8")
    for name in NETWORKS:
        _quantise(plain.network(name), quantised.network(name))
    return quantised


def _export_quietly(archive: Path, context: tuple[int, int], folder: Path, *, int8: bool) -> OnnxFiles:
    """`export` in a process of its own, without the warnings of tracing and of the quantisation, hundreds of lines."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    return export(archive, context, folder, int8=int8)


def metadata(config: ModelConfig, context: tuple[int, int], window: int, shift: int) -> dict[str, str]:
    """What the recogniser reads from the encoder's metadata.

    Args:
        config: Of the model.
        context: Attention context (left, right).
        window: Mel frames that the encoder takes, those before the chunk included.
        shift: Mel frames of a chunk.
    """
    encoder, decoder = config.encoder, config.decoder
    values = {
        "vocab_size": decoder.vocabulary,
        "window_size": window,
        "chunk_shift": shift,
        "subsampling_factor": SUBSAMPLING,
        "normalize_type": "",
        "pred_rnn_layers": decoder.layers,
        "pred_hidden": decoder.hidden,
        "cache_last_channel_dim1": encoder.layers,
        "cache_last_channel_dim2": context[0],
        "cache_last_channel_dim3": encoder.d_model,
        "cache_last_time_dim1": encoder.layers,
        "cache_last_time_dim2": encoder.d_model,
        "cache_last_time_dim3": encoder.conv_kernel - 1,
        "model_type": "EncDecRNNTBPEModel",
    }
    return {name: str(value) for name, value in values.items()}


def available() -> None:
    """Raises `MissingPackage` where sherpa-onnx or what exports a model for it is not installed."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise MissingPackage(
            f"the sherpa-onnx baseline needs the [sherpa] extra ({', '.join(missing)} not installed): "
            "pip install '.[sherpa]'"
        )


class SherpaModel:
    """An archive that sherpa-onnx runs; makes sides of any size.

    Args:
        archive: A ``.nemo`` file, which must exist for as long as new chunk latencies are asked for.
        bins: Mel bins of the model.
        threads: Threads of a network's operators.
        int8: Whether to run the quantised model.

    Raises:
        MissingPackage: sherpa-onnx, or what exports a model for it, is not installed.
    """

    def __init__(self, archive: Path, *, bins: int, threads: int, int8: bool) -> None:
        available()
        self._archive, self._bins, self._threads, self._int8 = archive, bins, threads, int8
        self._made: tuple[tuple[int, int], Any] | None = None
        self.name = f"sherpa-onnx {'int8' if int8 else 'float32'}"

    def side(self, context: tuple[int, int], streams: int, batch: int) -> SherpaSide:
        """The recogniser over `streams` live streams, `batch` of them in a call, with attention context (left, right).

        The first side of a chunk latency takes an export.
        """
        if self._made is None or self._made[0] != context:
            self._made = None  # frees one recogniser before the next is built
            self._made = context, self._recogniser(context)
        return SherpaSide(self._made[1], streams, batch, self.name)

    def _recogniser(self, context: tuple[int, int]) -> Any:
        from sherpa_onnx import OnlineRecognizer

        with tempfile.TemporaryDirectory() as folder:
            # In a process of its own: NeMo and its copy of the weights would stay in this one's memory.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
                files = process.submit(_export_quietly, self._archive, context, Path(folder), int8=self._int8).result()
            return OnlineRecognizer.from_transducer(
                tokens=str(files.tokens),
                **{name: str(files.network(name)) for name in NETWORKS},
                num_threads=self._threads,
                feature_dim=self._bins,
            )


class SherpaSide:
    """sherpa-onnx's recogniser over a fixed number of live streams; see `auricle_server.bench.engine.rounds.Side`."""

    def __init__(self, recogniser: Any, streams: int, batch: int, name: str) -> None:
        self.name = name
        self._recogniser, self._batch = recogniser, batch
        self._streams = [recogniser.create_stream() for _ in range(streams)]
        for stream in self._streams:
            stream.accept_waveform(16_000, np.zeros(LEAD_SAMPLES, np.float32))

    def round(self, chunks: Pcm) -> None:
        """See `Side.round`. The texts are not read, which would join all pieces of a stream each time."""
        for stream, chunk in zip(self._streams, chunks, strict=True):
            stream.accept_waveform(16_000, chunk.astype(np.float32) / 32768)
        ready = [stream for stream in self._streams if self._recogniser.is_ready(stream)]
        for start in range(0, len(ready), self._batch):
            self._recogniser.decode_streams(ready[start : start + self._batch])

    def texts(self) -> list[str]:
        """Transcript of each stream so far."""
        return [str(self._recogniser.get_result(stream)) for stream in self._streams]

    def close(self) -> None:
        """Ends its streams."""
        self._streams = []


def _write_metadata(path: Path, values: dict[str, str]) -> None:
    import onnx

    # The weights of a large model lie beside it: without them the file is small and they stay as they are.
    model = onnx.load(str(path), load_external_data=False)
    onnx.helper.set_model_props(model, values)
    onnx.save(model, str(path))


def _quantise(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(source), str(target), weight_type=QuantType.QUInt8)
