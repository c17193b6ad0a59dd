"""Reads the folder that `transformers` saves a model to: safetensors, ``config.json`` and a tokenizer.

Needs no `transformers`. Weights are mapped, not read, and may be in several files with an index.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.features import hann_window, mel_filters
from auricle_server.checkpoints.safetensors.config import TOKENIZER_NAMES, folder_config, weight_files
from auricle_server.checkpoints.safetensors.names import nemo_name
from auricle_server.checkpoints.tokenizer import json_pieces, json_scores, sentencepiece_pieces, sentencepiece_scores
from auricle_server.checkpoints.weights import MappedFile, StoredCheckpoint, StoredTensor, StoredWeights

_DTYPES = {
    "BF16": torch.bfloat16,
    "BOOL": torch.bool,
    "F16": torch.float16,
    "F32": torch.float32,
    "F64": torch.float64,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "I8": torch.int8,
    "U8": torch.uint8,
}


def read_folder(folder: Path) -> StoredCheckpoint:
    """Reads such a folder.

    Raises:
        BadCheckpoint: Something is missing or damaged.
        UnsupportedModel: The engine does not run the model.
    """
    config, extractor = folder_config(folder)
    stored = {nemo_name(name): value for path in weight_files(folder) for name, value in _tensors(path).items()}
    weights = StoredWeights({**stored, **_feature_constants(config, extractor)})
    return StoredCheckpoint(config, weights, *_tokenizer(folder, config.decoder.vocabulary))


def _tensors(path: Path) -> dict[str, StoredTensor]:
    """Where each tensor of a file lies."""
    if not path.is_file():
        raise BadCheckpoint(f"{path.parent} has no {path.name}, which its index names; it is not a complete checkpoint")
    try:
        # The library checks the header against the file. It would map the whole file for as long as one tensor lives.
        with safe_open(path, framework="pt"), path.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            header, file = json.loads(stream.read(size)), MappedFile(stream)
    except (SafetensorError, OSError) as error:
        raise BadCheckpoint(
            f"{path} is not a readable safetensors file ({error}); if it was downloaded or copied, it may be cut short"
        ) from error
    return {name: _tensor(name, entry, 8 + size, file) for name, entry in header.items() if name != "__metadata__"}


def _tensor(name: str, entry: dict[str, Any], data: int, file: MappedFile) -> StoredTensor:
    """From an entry of the header: its offsets count from the first byte after the header, `data`."""
    dtype = _DTYPES.get(entry["dtype"])
    if dtype is None:
        raise UnsupportedModel(f"{name} is stored as {entry['dtype']}; Auricle reads {', '.join(_DTYPES)}")
    shape = tuple(entry["shape"])
    strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    return StoredTensor(file, data + entry["data_offsets"][0], dtype, shape, strides)


def _feature_constants(config: ModelConfig, extractor: dict[str, Any]) -> dict[str, torch.Tensor]:
    """Filters and window, which NeMo stores. Some checkpoints were trained with filters below fp32."""
    rounded = getattr(torch, str(extractor.get("mel_filters_dtype", "float32")), None)
    if not isinstance(rounded, torch.dtype):
        raise BadCheckpoint(f"mel_filters_dtype is {extractor['mel_filters_dtype']!r}, which torch does not have")
    constants = {"fb": mel_filters(config.mel)[None], "window": hann_window(config.mel)}
    return {f"preprocessor.featurizer.{name}": value.to(rounded).float() for name, value in constants.items()}


def _tokenizer(folder: Path, count: int) -> tuple[tuple[str, ...], tuple[float, ...] | None]:
    """Pieces and scores."""
    as_json, as_model = (folder / name for name in TOKENIZER_NAMES)
    if as_json.is_file():
        text = as_json.read_bytes()
        return json_pieces(text, count), json_scores(text, count)
    if as_model.is_file():
        model = as_model.read_bytes()
        return sentencepiece_pieces(model), sentencepiece_scores(model)
    raise BadCheckpoint(f"{folder} has neither {' nor '.join(TOKENIZER_NAMES)}; it is not a complete checkpoint")
