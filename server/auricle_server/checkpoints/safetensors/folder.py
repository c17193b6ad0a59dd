"""Reads the folder that `transformers` saves a model to: safetensors, ``config.json`` and a tokenizer.

Needs no `transformers`. Weights are mapped, not read, and may be in several files with an index.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel
from auricle_server.checkpoints.features import hann_window, mel_filters
from auricle_server.checkpoints.parsing.foreign_files import unreadable
from auricle_server.checkpoints.parsing.json_text import parse_json
from auricle_server.checkpoints.safetensors.config import TOKENIZER_NAMES, folder_config, read_part, weight_files
from auricle_server.checkpoints.safetensors.names import nemo_name
from auricle_server.checkpoints.section import Section
from auricle_server.checkpoints.tokenizer import (
    json_pieces,
    json_scores,
    most_bytes,
    sentencepiece_pieces,
    sentencepiece_scores,
)
from auricle_server.checkpoints.weights import MOST_AXES, MappedFile, StoredCheckpoint, StoredTensor, StoredWeights

_HEADER_BYTES = 8 << 20
"""Bytes of a file's header; that of a model of 700 parameters has 80 kB."""

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
        with path.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if size > _HEADER_BYTES:
                much = f"has a header of {size} bytes, more than the {_HEADER_BYTES} of any model"
                raise BadCheckpoint(unreadable(path, much))
            # The library checks the header against the file. It would map the whole file for as long as one tensor
            # lives.
            with safe_open(path, framework="pt"):
                header, file = parse_json(stream.read(size)), MappedFile(stream)
    except (SafetensorError, OSError, ValueError) as error:
        cut = f"is not a readable safetensors file ({error}); if it was downloaded or copied, it may be cut short"
        raise BadCheckpoint(unreadable(path, cut)) from error
    return {name: _tensor(name, entry, 8 + size, file) for name, entry in header.items() if name != "__metadata__"}


def _tensor(name: str, entry: dict[str, Any], data: int, file: MappedFile) -> StoredTensor:
    """From an entry of the header: its offsets count from the first byte after the header, `data`."""
    dtype, shape = _DTYPES.get(entry["dtype"]), tuple(entry["shape"])
    if dtype is None:
        raise UnsupportedModel(f"{name:.80} is stored as {entry['dtype']}; Auricle reads {', '.join(_DTYPES)}")
    if len(shape) > MOST_AXES:
        raise BadCheckpoint(f"{name:.80} has {len(shape)} axes, more than any parameter")
    strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    return StoredTensor(file, data + entry["data_offsets"][0], dtype, shape, strides)


def _feature_constants(config: ModelConfig, extractor: Section) -> dict[str, torch.Tensor]:
    """Filters and window, which NeMo stores. Some checkpoints were trained with filters below fp32."""
    name = extractor.find("mel_filters_dtype", "float32")
    if name not in ("float32", "bfloat16", "float16"):
        extractor.reject("mel_filters_dtype", name, "filters are float32, bfloat16 or float16")
    rounded: torch.dtype = getattr(torch, name)
    constants = {"fb": mel_filters(config.mel)[None], "window": hann_window(config.mel)}
    return {f"preprocessor.featurizer.{name}": value.to(rounded).float() for name, value in constants.items()}


def _tokenizer(folder: Path, count: int) -> tuple[tuple[str, ...], tuple[float, ...] | None]:
    """Pieces and scores."""
    as_json, as_model = (folder / name for name in TOKENIZER_NAMES)
    if as_json.is_file():
        text = read_part(as_json)
        return json_pieces(text, count), json_scores(text, count)
    if as_model.is_file():
        model = read_part(as_model, most_bytes(count))
        return sentencepiece_pieces(model), sentencepiece_scores(model)
    raise BadCheckpoint(f"{folder} has neither {' nor '.join(TOKENIZER_NAMES)}; it is not a complete checkpoint")
