"""A model's architecture and features, read from the checkpoint's own ``model_config.yaml``.

Names follow NeMo's configuration (`nemo.collections.asr.modules.ConformerEncoder`, `RNNTDecoder`, `RNNTJoint`).
Everything that the engine assumes is checked here, so that an unsuitable model is refused with a reason at load time
instead of producing wrong words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from auricle_server.checkpoints.contexts import streaming_contexts
from auricle_server.checkpoints.family import check_class, check_transducer, is_prompted
from auricle_server.checkpoints.nemo.adapters import AdapterConfig, adapters_of
from auricle_server.checkpoints.parsing import bounds
from auricle_server.checkpoints.parsing.bounds import Bounds
from auricle_server.checkpoints.parsing.interpolations import resolved
from auricle_server.checkpoints.section import Section

CONV_NORMS = "layer_norm", "batch_norm", "fused_batch_norm"
SAMPLE_RATE = 16_000
SUBSAMPLING_FACTOR = 8


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
        expansion: Width of the feed-forward modules, in `d_model`.
        conv_norm: Whether a layer norm follows the depthwise convolution. A batch norm is folded into its weights
            instead (`weights.fold_batch_norms`).
        adapters: Those that take part, in their order.
    """

    layers: int
    d_model: int
    heads: int
    conv_kernel: int
    conv_channels: int
    scale_input: bool
    contexts: tuple[tuple[int, int], ...]
    expansion: int = 4
    conv_norm: bool = True
    adapters: tuple[AdapterConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """RNNT prediction network, joint and greedy search.

    Attributes:
        layers: LSTM layers of the prediction network.
        hidden: Width of the LSTM layers.
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
    """The part of a model's configuration that the engine needs."""

    mel: MelConfig
    encoder: EncoderConfig
    decoder: DecoderConfig
    prompt: PromptConfig | None
    disabled_adapters: frozenset[str] = frozenset()
    """Adapters whose parameters are left out."""

    @property
    def frame_samples(self) -> int:
        """Samples of one encoder frame: 1280, that is 80 ms."""
        return self.mel.hop * SUBSAMPLING_FACTOR

    @property
    def frame_seconds(self) -> float:
        """Seconds of one encoder frame."""
        return self.frame_samples / self.mel.sample_rate


def parse_config(raw: Mapping[str, Any]) -> ModelConfig:
    """Reads NeMo's configuration tree.

    Raises:
        BadCheckpoint: A section or value that every such model has is missing.
        UnsupportedModel: The architecture differs from what the engine computes.
    """
    raw = model_tree(raw)
    check_class(str(raw.get("target", "")))
    check_transducer(raw)
    decoder = _decoder(raw)
    encoder, prompt = _encoder(raw), _prompt(raw) if is_prompted(raw) else None
    adapters = adapters_of(raw, encoder.d_model)
    enabled = tuple(adapter for adapter in adapters if adapter.enabled)
    disabled = frozenset(adapter.name for adapter in adapters if not adapter.enabled)
    return ModelConfig(_mel(raw), replace(encoder, adapters=enabled), decoder, prompt, disabled)


def model_tree(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tree of a model, its references resolved: the whole, or the section ``model`` of a file for training."""
    tree = resolved(raw)
    inner = tree.get("model")
    if "encoder" not in tree and isinstance(inner, Mapping):
        tree = {"target": tree.get("target"), **inner}
    # Hydra's name for what NeMo calls ``target``.
    return {**tree, "target": tree.get("target") or tree.get("_target_") or ""}


def _mel(raw: Mapping[str, Any]) -> MelConfig:
    section = Section("preprocessor", raw.get("preprocessor"))
    # ``dither`` is not read: NeMo adds it in training only.
    section.expect("normalize", ("NA", None, ""), why=_WHOLE_RECORDING)
    section.expect("log", True, default=True)
    section.expect("frame_splicing", 1, default=1)
    section.expect("mag_power", 2.0, default=2.0)
    section.expect("exact_pad", False, default=False)
    section.expect("log_zero_guard_type", "add", default="add")
    section.expect("log_zero_guard_value", 2**-24, default=2**-24)
    section.expect("sample_rate", SAMPLE_RATE)
    # Where n_fft is null, NeMo takes the next power of two. Null preemphasis is none.
    window = _samples(section, "n_window_size", "window_size", Bounds(1, bounds.FFT.most))
    allowed = Bounds(max(window, bounds.FFT.least), bounds.FFT.most)
    fft = section.integer("n_fft", allowed, 1 << (window - 1).bit_length())
    preemphasis = section.number("preemph", bounds.PREEMPHASIS, 0.0 if section.is_null("preemph") else 0.97)
    return MelConfig(
        sample_rate=SAMPLE_RATE,
        window=window,
        hop=_samples(section, "n_window_stride", "window_stride", Bounds(bounds.HOP.least, window)),
        n_fft=fft,
        bins=section.size("features", bounds.MEL_BINS, (Section("", raw).optional("encoder"), "feat_in")),
        preemphasis=preemphasis,
    )


_WHOLE_RECORDING = (
    "its features are normalised over the whole recording, which a stream does not have yet; take a model of the "
    "family that was trained for streaming (normalize 'NA')"
)


def _samples(section: Section, in_samples: str, in_seconds: str, allowed: Bounds) -> int:
    """A length that the configuration gives in seconds, or in samples."""
    if section.find(in_samples) is not None:
        return section.integer(in_samples, allowed)
    found = round(section.number(in_seconds, bounds.SECONDS) * SAMPLE_RATE)
    if not allowed.least <= found <= allowed.most:
        why = f"that is {found} samples at {SAMPLE_RATE} Hz, and not a number {allowed}, as n_fft and window allow"
        section.reject(in_seconds, section.find(in_seconds), why)
    return found


def _encoder(raw: Mapping[str, Any]) -> EncoderConfig:
    section = Section("encoder", raw.get("encoder"))
    section.expect("subsampling", "dw_striding")
    section.expect("subsampling_factor", SUBSAMPLING_FACTOR)
    section.expect("causal_downsampling", True, why="its subsampling looks ahead, past the end of a chunk")
    section.expect("reduction", None)
    section.expect("self_attention_model", "rel_pos", default="rel_pos")
    section.expect("conv_norm_type", CONV_NORMS, default="batch_norm")
    section.expect("conv_context_style", "regular", default="regular")
    defaults, jointnet = Section("", raw).optional("model_defaults"), _jointnet(raw)
    elsewhere = (defaults, "enc_hidden"), (jointnet, "encoder_hidden")
    kernel, d_model = (
        section.integer("conv_kernel_size", bounds.KERNEL),
        section.size("d_model", bounds.WIDTH, *elsewhere),
    )
    heads = section.integer("n_heads", bounds.HEADS)
    if d_model % heads or d_model % 2:
        section.reject("d_model", d_model, f"it must be even, and a multiple of the {heads} heads (n_heads)")
    section.expect("conv_context_size", ("causal", [kernel - 1, 0]), why="its convolutions look ahead")
    # NeMo's -1 stands for d_model.
    as_wide = section.find("subsampling_conv_channels", -1) == -1
    return EncoderConfig(
        layers=section.integer("n_layers", bounds.LAYERS),
        d_model=d_model,
        heads=heads,
        conv_kernel=kernel,
        conv_channels=d_model if as_wide else section.integer("subsampling_conv_channels", bounds.SUBSAMPLING_CHANNELS),
        # NeMo's default is true, the published models say false.
        scale_input=section.flag("xscaling", True),
        contexts=streaming_contexts(section),
        expansion=section.integer("ff_expansion_factor", bounds.EXPANSION, 4),
        conv_norm=section.find("conv_norm_type", "batch_norm") == "layer_norm",
    )


def _decoder(raw: Mapping[str, Any]) -> DecoderConfig:
    section = Section("decoder", raw.get("decoder"))
    _check_prediction(section)
    prednet, defaults = section.inner("prednet"), Section("", raw).optional("model_defaults")
    joint = Section("joint", raw.get("joint"))
    jointnet = joint.inner("jointnet")
    hidden = prednet.size("pred_hidden", bounds.WIDTH, (defaults, "pred_hidden"), (jointnet, "pred_hidden"))
    prednet.expect("rnn_hidden_size", (None, -1, hidden))
    jointnet.expect("activation", ("relu", "ReLU"))
    greedy = Section("", raw).optional("decoding").optional("greedy")
    return DecoderConfig(
        layers=prednet.integer("pred_rnn_layers", bounds.LSTM_LAYERS),
        hidden=hidden,
        joint=jointnet.size("joint_hidden", bounds.WIDTH, (defaults, "joint_hidden")),
        vocabulary=joint.size("num_classes", bounds.VOCABULARY, (section, "vocab_size"), (_listed(raw), "vocabulary")),
        # 10 in the published models, and where the configuration leaves it open.
        max_symbols=greedy.integer("max_symbols", bounds.SYMBOLS, 10),
    )


def _jointnet(raw: Mapping[str, Any]) -> Section:
    return Section("", raw).optional("joint").optional("jointnet")


def _listed(raw: Mapping[str, Any]) -> Section:
    """The number of tokens that the configuration lists, as -1 where it lists none."""
    tokens = Section("", raw).optional("joint").find("vocabulary") or raw.get("labels")
    return Section("joint", {"vocabulary": len(tokens) if isinstance(tokens, list) and tokens else -1})


def _check_prediction(section: Section) -> None:
    kind = str(section.find("_target_", "RNNTDecoder")).rpartition(".")[2]
    if kind != "RNNTDecoder":
        section.refuse("_target_", kind, "the engine computes prediction networks of LSTMs (RNNTDecoder)")
    section.expect("blank_as_pad", True, default=True)
    section.expect("normalization_mode", None)


def _prompt(raw: Mapping[str, Any]) -> PromptConfig:
    defaults = Section("model_defaults", raw.get("model_defaults"))
    size = defaults.integer("num_prompts", bounds.PROMPTS, 128)
    codes = Section("model_defaults.prompt_dictionary", defaults.get("prompt_dictionary"))
    last = Bounds(0, size - 1)
    if not codes.items():
        defaults.reject("prompt_dictionary", {}, "it must name the prompt of at least one language")
    dictionary = {_code(code): codes.check_integer(str(code), index, last) for code, index in codes.items()}
    return PromptConfig(size, dictionary)


def _code(key: Any) -> str:
    """A language's code. YAML 1.1, as PyYAML reads it, takes ``no`` without quotation marks for a false."""
    return "no" if key is False else str(key)
