"""`transformers`' own models of the family: made, saved and run by `transformers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import AddedToken, Tokenizer, decoders
from tokenizers.models import BPE

from auricle_server.bench.models.transformers_writer import config_json, their_weights
from auricle_server.checkpoints.load import Checkpoint
from tests.support.tones import Pcm

MOST_STEPS = 4000
RANDOM_SPREAD = 6.0
"""Of the random models' output layer over the initial one, so that labels come at all."""


_UNTYPED: Any = transformers


def classes(*, prompted: bool) -> tuple[Any, Any, Any]:
    """Configuration, model and processor."""
    name = "Nemotron3_5Asr" if prompted else "NemotronAsrStreaming"
    return tuple(getattr(transformers, f"{name}{part}") for part in ("Config", "ForRNNT", "Processor"))


def save_trained(checkpoint: Checkpoint, folder: Path, **saving: Any) -> Path:
    """A model with the parameters of `checkpoint`, all of which it must take."""
    config_class, model_class, _ = classes(prompted=checkpoint.config.prompt is not None)
    model = model_class(config_class(**_settings(checkpoint)))
    model.load_state_dict(their_weights(checkpoint), strict=True)
    return _save(model, checkpoint, folder, **saving)


def save_random(checkpoint: Checkpoint, folder: Path, seed: int, **encoder: Any) -> Path:
    """A model of the shape of `checkpoint`, but for what `encoder` overrides, with parameters drawn by us."""
    config_class, model_class, _ = classes(prompted=checkpoint.config.prompt is not None)
    settings = _settings(checkpoint)
    settings["encoder_config"] |= encoder
    model = model_class(config_class(**settings))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.normal_(0, max(1, value[0].numel()) ** -0.5 if value.dim() > 1 else 0.1, generator=generator)
            if "norm" in name and name.endswith("weight"):
                value.add_(1)
        model.joint.head.weight *= RANDOM_SPREAD
    return _save(model, checkpoint, folder)


def _settings(checkpoint: Checkpoint) -> dict[str, Any]:
    return {key: value for key, value in config_json(checkpoint).items() if key not in ("architectures", "model_type")}


def _save(model: Any, checkpoint: Checkpoint, folder: Path, **saving: Any) -> Path:
    model.save_pretrained(folder, **saving)
    _, _, processor_class = classes(prompted=checkpoint.config.prompt is not None)
    rights = [right for _, right in checkpoint.config.encoder.contexts]
    extra = {"prompt_dictionary": dict(checkpoint.config.prompt.dictionary)} if checkpoint.config.prompt else {}
    processor_class(
        feature_extractor=_UNTYPED.NemotronAsrStreamingFeatureExtractor(feature_size=checkpoint.config.mel.bins),
        tokenizer=_tokenizer(checkpoint.pieces),
        supported_num_lookahead_tokens=rights,
        **extra,
    ).save_pretrained(folder)
    return folder


def _tokenizer(pieces: tuple[str, ...]) -> Any:
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    tokenizer = Tokenizer(BPE(vocabulary, [], unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.add_tokens([AddedToken(name, special=True) for name in ("<unk>", "<pad>", "<blank>")])
    tokenizer.decoder = decoders.Metaspace()
    return _UNTYPED.ParakeetTokenizer(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>")


class Theirs:
    """Greedy search over a whole recording, by `transformers`."""

    def __init__(self, folder: Path, *, prompted: bool) -> None:
        _, model_class, processor_class = classes(prompted=prompted)
        self._prompted = prompted
        self._model = model_class.from_pretrained(folder, dtype=torch.float32).eval()
        self._processor = processor_class.from_pretrained(folder)
        self._blank = self._model.config.blank_token_id
        self._model.generation_config.decoder_start_token_id = self._blank
        self._model.generation_config.pad_token_id = self._blank

    @property
    def filters(self) -> torch.Tensor:
        """Mel filters, [bins, n_fft / 2 + 1]."""
        filters: torch.Tensor = self._processor.feature_extractor.mel_filters
        return filters

    def hear(self, audio: Pcm, right: int, language: str = "auto") -> tuple[list[int], list[int]]:
        """Tokens, and the encoder frames on which they came."""
        self._processor.set_num_lookahead_tokens(right)
        given = {"language": language} if self._prompted else {}
        inputs = self._processor(audio.astype(np.float32) / 32768, sampling_rate=16_000, **given)
        with torch.inference_mode():
            output = self._model.generate(**inputs, max_new_tokens=MOST_STEPS)
        tokens, steps = output.sequences[0, 1:], output.durations[0, 1:]
        frames = steps.cumsum(0) - steps
        said = tokens != self._blank
        return tokens[said].tolist(), frames[said].tolist()
