"""The facts about a model that the engine computes with, read from the checkpoint's own ``model_config.yaml``.

Names follow NeMo's configuration (`nemo.collections.asr.modules.ConformerEncoder`, `RNNTDecoder`, `RNNTJoint`).
Everything the engine takes for granted is checked here, so that an unsuitable model is refused with a reason at load
time instead of producing nonsense.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auricle_server.checkpoints.errors import BadCheckpoint, UnsupportedModel

SUBSAMPLING_FACTOR = 8
SUPPORTED_CLASSES = ("EncDecRNNTBPEModel", "EncDecRNNTBPEModelWithPrompt")


@dataclass(frozen=True, slots=True)
class MelConfig:
    """Log-mel features.

    Attributes:
        sample_rate: Samples per second, 16000.
        window: Samples of one frame (25 ms).
        hop: Samples between frames (10 ms).
        n_fft: FFT size.
        bins: Mel bins.
        preemphasis: Coefficient of the first-order pre-emphasis filter.
    """

    sample_rate: int
    window: int
    hop: int
    n_fft: int
    bins: int
    preemphasis: float


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """Cache-aware FastConformer.

    Attributes:
        layers: Conformer blocks.
        d_model: Width.
        heads: Attention heads.
        conv_kernel: Width of the depthwise convolution.
        conv_channels: Channels of the convolutional subsampling.
        scale_input: Whether `pre_encode` output is multiplied by sqrt(d_model) (``xscaling``).
        contexts: (left, right) attention contexts in encoder frames, in the checkpoint's order; each right context R
            is a chunk of R + 1 frames.
    """

    layers: int
    d_model: int
    heads: int
    conv_kernel: int
    conv_channels: int
    scale_input: bool
    contexts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """RNNT prediction network, joint and greedy search.

    Attributes:
        layers: LSTM layers of the prediction network.
        hidden: Their width.
        joint: Width of the joint.
        vocabulary: Tokens, blank excluded; blank is the last index.
        max_symbols: Most tokens that greedy search emits on one encoder frame.
    """

    layers: int
    hidden: int
    joint: int
    vocabulary: int
    max_symbols: int


@dataclass(frozen=True, slots=True)
class PromptConfig:
    """Language prompt of the multilingual class: a one-hot of `size` beside every encoder frame."""

    size: int
    dictionary: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """All of a model's configuration that the engine needs."""

    mel: MelConfig
    encoder: EncoderConfig
    decoder: DecoderConfig
    prompt: PromptConfig | None

    @property
    def frame_samples(self) -> int:
        """Samples of one encoder frame: 1280, that is 80 ms."""
        return self.mel.hop * SUBSAMPLING_FACTOR

    @property
    def frame_seconds(self) -> float:
        """Seconds of one encoder frame."""
        return self.frame_samples / self.mel.sample_rate


class _Section:
    """A part of the configuration that names what is missing or different."""

    def __init__(self, name: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise BadCheckpoint(f"model_config.yaml has no section {name!r}; this is not a NeMo RNNT checkpoint")
        self._name, self._values = name, values

    def get(self, key: str, default: Any = None) -> Any:
        value = self._values.get(key, default)
        if value is None:
            raise BadCheckpoint(f"model_config.yaml: {self._name}.{key} is missing")
        return value

    def expect(self, key: str, wanted: Any, default: Any = None) -> None:
        found = self._values.get(key, default)
        if found != wanted:
            raise UnsupportedModel(
                f"{self._name}.{key} is {found!r}; Auricle runs cache-aware streaming FastConformer-RNNT models, "
                f"which have {wanted!r}"
            )


def parse_config(raw: Mapping[str, Any]) -> ModelConfig:
    """Reads NeMo's configuration tree.

    Raises:
        BadCheckpoint: Something that every such model has is missing.
        UnsupportedModel: The architecture differs from what the engine computes.
    """
    _check_class(str(raw.get("target", "")))
    decoder = _decoder(raw)
    return ModelConfig(_mel(raw), _encoder(raw), decoder, _prompt(raw))


def _check_class(target: str) -> None:
    name = target.rpartition(".")[2]
    if name not in SUPPORTED_CLASSES:
        raise UnsupportedModel(
            f"the checkpoint is of class {name or 'unknown'!s}; Auricle runs {' and '.join(SUPPORTED_CLASSES)}"
        )


def _mel(raw: Mapping[str, Any]) -> MelConfig:
    section = _Section("preprocessor", raw.get("preprocessor"))
    section.expect("normalize", "NA")
    section.expect("log", True, default=True)
    section.expect("frame_splicing", 1, default=1)
    rate = int(section.get("sample_rate"))
    return MelConfig(
        sample_rate=rate,
        window=round(float(section.get("window_size")) * rate),
        hop=round(float(section.get("window_stride")) * rate),
        n_fft=int(section.get("n_fft")),
        bins=int(section.get("features")),
        preemphasis=float(section.get("preemph", 0.97)),
    )


def _encoder(raw: Mapping[str, Any]) -> EncoderConfig:
    section = _Section("encoder", raw.get("encoder"))
    section.expect("subsampling", "dw_striding")
    section.expect("subsampling_factor", SUBSAMPLING_FACTOR)
    section.expect("causal_downsampling", True)
    section.expect("self_attention_model", "rel_pos", default="rel_pos")
    section.expect("att_context_style", "chunked_limited")
    section.expect("untie_biases", True, default=True)
    section.expect("conv_norm_type", "layer_norm")
    section.expect("conv_context_size", "causal")
    return EncoderConfig(
        layers=int(section.get("n_layers")),
        d_model=int(section.get("d_model")),
        heads=int(section.get("n_heads")),
        conv_kernel=int(section.get("conv_kernel_size")),
        conv_channels=int(section.get("subsampling_conv_channels")),
        scale_input=bool(section.get("xscaling", True)),
        contexts=_contexts(section.get("att_context_size")),
    )


def _contexts(value: Any) -> tuple[tuple[int, int], ...]:
    pairs = value if value and isinstance(value[0], list | tuple) else [value]
    contexts = tuple((int(left), int(right)) for left, right in pairs)
    if any(left <= 0 or right < 0 or left < right + 1 for left, right in contexts):
        raise UnsupportedModel(f"encoder.att_context_size is {value!r}; every context must be limited on both sides")
    return contexts


def _decoder(raw: Mapping[str, Any]) -> DecoderConfig:
    section = _Section("decoder", raw.get("decoder"))
    section.expect("blank_as_pad", True, default=True)
    section.expect("normalization_mode", None)
    prednet = _Section("decoder.prednet", section.get("prednet"))
    joint = _Section("joint", raw.get("joint"))
    jointnet = _Section("joint.jointnet", joint.get("jointnet"))
    jointnet.expect("activation", "relu")
    greedy = (raw.get("decoding") or {}).get("greedy") or {}
    return DecoderConfig(
        layers=int(prednet.get("pred_rnn_layers")),
        hidden=int(prednet.get("pred_hidden")),
        joint=int(jointnet.get("joint_hidden")),
        vocabulary=int(joint.get("num_classes")),
        max_symbols=int(greedy.get("max_symbols") or 10),
    )


def _prompt(raw: Mapping[str, Any]) -> PromptConfig | None:
    if not str(raw.get("target", "")).endswith("WithPrompt"):
        return None
    defaults = _Section("model_defaults", raw.get("model_defaults"))
    dictionary = {str(code): int(index) for code, index in defaults.get("prompt_dictionary").items()}
    return PromptConfig(size=int(defaults.get("num_prompts", 128)), dictionary=dictionary)
