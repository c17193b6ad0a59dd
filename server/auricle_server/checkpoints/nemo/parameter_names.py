"""Which parameters the engine computes with, by NeMo's names. Loads no tensor library.

A parameter that is not used would change the words and be missed by nobody, so it is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from auricle_server.checkpoints.config import ModelConfig
from auricle_server.checkpoints.errors import UnsupportedModel

_MOST_NAMED = 4
_ADAPTER = re.compile(r"\.adapter_layer\.([^.]+)\.")
_PARTS = ("encoder.", "decoder.", "joint.", "prompt_kernel.")
_BOTH = "(weight|bias)"
_USED = (
    rf"encoder\.pre_encode\.(conv\.[02356]|out)\.{_BOTH}",
    rf"encoder\.layers\.\d+\.norm_(feed_forward1|self_att|conv|feed_forward2|out)\.{_BOTH}",
    rf"encoder\.layers\.\d+\.feed_forward[12]\.linear[12]\.{_BOTH}",
    rf"encoder\.layers\.\d+\.self_attn\.linear_(q|k|v|out)\.{_BOTH}",
    r"encoder\.layers\.\d+\.self_attn\.(linear_pos\.weight|pos_bias_[uv])",
    rf"encoder\.layers\.\d+\.conv\.(pointwise_conv[12]|depthwise_conv|batch_norm)\.{_BOTH}",
    r"encoder\.layers\.\d+\.conv\.batch_norm\.(running_mean|running_var)",
    # Biases that all layers share; each layer has them, too. The table of positions is computed.
    r"encoder\.pos_bias_[uv]|encoder\.pos_enc\.pe",
    r"decoder\.prediction\.(embed\.weight|dec_rnn\.lstm\.(weight|bias)_[ih]h_l\d+)",
    rf"joint\.(enc|pred|joint_net\.2)\.{_BOTH}",
)
_OF_PROMPT = rf"prompt_kernel\.[02]\.{_BOTH}"
_OF_ADAPTER = {
    True: rf"(module\.0\.{_BOTH}|module\.[13]\.weight)",
    False: rf"(module\.[02]\.weight|module\.3\.{_BOTH})",
}
"""Modules of a linear adapter, by whether its norm is the first."""


def check_used(names: Iterable[str], config: ModelConfig) -> None:
    """Refuses parameters of the encoder, decoder, joint or prompt that the engine does not compute with.

    Args:
        names: NeMo's names of all parameters, without those of adapters that are not enabled.
        config: Architecture.

    Raises:
        UnsupportedModel: There are such parameters; the message names some of them.
    """
    used = re.compile("|".join(_patterns(config)))
    unused = [name for name in names if name.startswith(_PARTS) and not used.fullmatch(name)]
    if not unused:
        return
    shown = ", ".join(name[:120] for name in unused[:_MOST_NAMED])
    more = f" and {len(unused) - _MOST_NAMED} more" if len(unused) > _MOST_NAMED else ""
    raise UnsupportedModel(
        f"the weights have parameters that the engine does not compute with, and without which the words would be "
        f"wrong: {shown}{more}; {_advice(unused)}"
    )


def _patterns(config: ModelConfig) -> Iterator[str]:
    yield from _USED
    if config.prompt is not None:
        yield _OF_PROMPT
    for adapter in config.encoder.adapters:
        name = re.escape(adapter.name)
        yield rf"encoder\.layers\.\d+\.adapter_layer\.{name}\.{_OF_ADAPTER[adapter.norm_first]}"


def _advice(unused: list[str]) -> str:
    adapters = sorted({found[1] for name in unused if (found := _ADAPTER.search(name))})
    if adapters:
        return (
            f"of adapters, those run that model_config.yaml lists under 'adapters' and that are linear ones of the "
            f"encoder; {', '.join(adapters[:_MOST_NAMED])} cannot be used: merge or disable them before save_to"
        )
    return "merge them into the model's own before save_to, or take a checkpoint without them"


def of_disabled(name: str, config: ModelConfig) -> bool:
    """Whether a parameter is that of an adapter that is not enabled, in any module."""
    found = _ADAPTER.search(name)
    return found is not None and found[1] in config.disabled_adapters
