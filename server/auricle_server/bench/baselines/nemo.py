"""NeMo's cache-aware streaming pipeline as a baseline. The only module of the server that imports NeMo, on first use.

`CacheAwareRNNTPipeline` (NeMo 3.0.0) runs with its published configuration, ``cache_aware_rnnt.yaml``: one chunk per
stream and step, features cached. Only the per-stream biasing is off, because it costs time and no stream uses it. The
caller chooses the batch size and the number of slots.
"""

from __future__ import annotations

import logging
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from auricle_server.bench import MissingPackage

Pcm = npt.NDArray[np.int16]


class NemoModel:
    """A checkpoint loaded by NeMo; makes sides of any size.

    Args:
        archive: A ``.nemo`` file.
        device: ``"cpu"`` or ``"cuda"``.
        dtype: ``"float32"`` or ``"bfloat16"``; on a CPU NeMo always computes in float32.

    Raises:
        MissingPackage: NeMo is not installed.
    """

    def __init__(self, archive: Path, *, device: str, dtype: str) -> None:
        threads = torch.get_num_threads()
        self._asr = _load(archive, device, dtype)
        torch.set_num_threads(threads)  # importing NeMo changes the number

    def side(self, context: tuple[int, int], streams: int, batch: int) -> NemoSide:
        """NeMo's pipeline over `streams` live streams, `batch` of them a step, with attention context (left, right)."""
        from nemo.collections.asr.inference.pipelines.cache_aware_rnnt_pipeline import CacheAwareRNNTPipeline

        return NemoSide(CacheAwareRNNTPipeline(_settings(context, batch, streams), self._asr), streams, batch)


class NemoSide:
    """NeMo's pipeline over a fixed number of live streams."""

    name = "NeMo 3.0.0 CacheAwareRNNTPipeline"

    def __init__(self, pipeline: Any, streams: int, batch: int) -> None:
        self._pipeline, self._streams, self._batch = pipeline, streams, batch
        self._begun = False
        pipeline.open_session()

    def round(self, chunks: Pcm) -> None:
        """See `auricle_server.bench.engine.rounds.Side.round`."""
        from nemo.collections.asr.inference.streaming.framing.request import Frame
        from nemo.collections.asr.inference.streaming.framing.request_options import ASRRequestOptions

        audio = torch.from_numpy(chunks.astype(np.float32) / 32768)
        options = ASRRequestOptions()
        for start in range(0, self._streams, self._batch):
            rows = range(start, min(start + self._batch, self._streams))
            self._pipeline.transcribe_step(
                [Frame(audio[row], row, is_first=not self._begun, options=options) for row in rows]
            )
        self._begun = True

    def texts(self) -> list[str]:
        """Partial transcript of each stream since its last end of utterance."""
        return [self._pipeline.get_state(row).partial_transcript for row in range(self._streams)]

    def close(self) -> None:
        """Ends the session."""
        self._pipeline.close_session()


def export_onnx(archive: Path, context: tuple[int, int], folder: Path) -> tuple[int, int]:
    """Exports a model by NeMo's own export: ``encoder.onnx`` with its caches, ``decoder.onnx`` and ``joiner.onnx``.

    Args:
        archive: A ``.nemo`` file.
        context: Attention context (left, right).
        folder: Where to; it exists. The weights of a large model lie in files of their own beside these.

    Returns:
        Mel frames that the encoder takes, those before the chunk included, and mel frames of a chunk.

    Raises:
        MissingPackage: NeMo is not installed.
    """
    available()
    from nemo.utils import logging as nemo_logging

    nemo_logging.setLevel(logging.ERROR)
    model = _restore(archive, torch.device("cpu"))
    model.encoder.set_default_att_context_size(list(context))
    model.set_export_config({"cache_support": True})
    with torch.no_grad():
        for part, name in ((model.encoder, "encoder"), (model.decoder, "decoder"), (model.joint, "joiner")):
            part.export(str(folder / f"{name}.onnx"))
    streaming = model.encoder.streaming_cfg
    # Both are pairs, for the first chunk and for later ones.
    return streaming.chunk_size[1] + streaming.pre_encode_cache_size[1], streaming.chunk_size[1]


def available() -> None:
    """Raises `MissingPackage` where NeMo is not installed."""
    try:
        import nemo.collections.asr  # noqa: F401 - checks that it is installed
    except ModuleNotFoundError as missing:
        raise MissingPackage(
            f"the NeMo baseline needs the [nemo] extra ({missing.name} is not installed): pip install '.[nemo]'"
        ) from missing


def _load(archive: Path, device: str, dtype: str) -> Any:
    available()
    from nemo.collections.asr.inference.factory.cache_aware_pipeline_builder import CacheAwarePipelineBuilder
    from nemo.utils import logging as nemo_logging
    from omegaconf import OmegaConf

    nemo_logging.setLevel(logging.ERROR)
    torch.set_float32_matmul_precision("high")
    # As NeMo ships its pipeline: the decoder's CUDA graphs are off.
    greedy = {"use_cuda_graph_decoder": False, "enable_per_stream_biasing": False, "max_symbols": 10}
    decoding = {"strategy": "greedy_batch", "preserve_alignments": False, "fused_batch_size": -1, "greedy": greedy}
    settings = OmegaConf.create({"asr": {"decoding": decoding}})
    return _model_class()(
        model_name=str(archive),
        decoding_cfg=CacheAwarePipelineBuilder.get_rnnt_decoding_cfg(settings),
        device=device,
        device_id=0,
        compute_dtype=dtype,
        use_amp=False,
    )


def _model_class() -> Any:
    from nemo.collections.asr.inference.model_wrappers.cache_aware_rnnt_inference_wrapper import (
        CacheAwareRNNTInferenceWrapper,
    )

    class Wrapper(CacheAwareRNNTInferenceWrapper):  # type: ignore[misc]
        """NeMo's wrapper with our own unpacking: NeMo's needs a newer Python than that of Debian 12."""

        @staticmethod
        def load_model(model_name: str, map_location: torch.device) -> Any:
            return _restore(Path(model_name), map_location)

    return Wrapper


def _restore(archive: Path, device: torch.device) -> Any:
    from nemo.collections.asr.models import ASRModel
    from nemo.core.connectors.save_restore_connector import SaveRestoreConnector

    connector = SaveRestoreConnector()
    with tempfile.TemporaryDirectory() as folder:
        _unpack(archive, Path(folder))
        connector.model_extracted_dir = folder
        return ASRModel.restore_from(str(archive), map_location=device, save_restore_connector=connector).eval()


def _unpack(archive: Path, folder: Path) -> None:
    """Unpacks an archive. Python 3.11.2 (Debian 12) has no extraction filters; later versions warn without one."""
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(folder, filter="data")
        else:
            tar.extractall(folder)  # noqa: S202 - an archive that the bench wrote or the user named


def _settings(context: tuple[int, int], batch: int, slots: int) -> Any:
    """NeMo's published configuration with the given context, batch size and number of slots."""
    from omegaconf import OmegaConf

    streaming = {
        "sample_rate": 16_000,
        "batch_size": batch,
        "word_boundary_tolerance": 4,
        "att_context_size": list(context),
        "use_cache": True,
        "use_feat_cache": True,
        "chunk_size_in_secs": None,
        "request_type": "frame",
        "num_slots": slots,
    }
    method = {"name": "entropy", "entropy_type": "tsallis", "alpha": 0.5, "entropy_norm": "exp"}
    return OmegaConf.create(
        {
            "itn": {"left_padding_size": 4, "batch_size": 32, "n_jobs": 1},
            "confidence": {"exclude_blank": True, "aggregation": "mean", "method_cfg": method},
            "endpointing": {"stop_history_eou": 800, "residue_tokens_at_end": 2},
            "streaming": streaming,
            "enable_itn": False,
            "asr_output_granularity": "segment",
            "return_tail_result": False,
        }
    )
