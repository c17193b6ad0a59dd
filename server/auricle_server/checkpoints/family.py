"""Which NeMo classes the engine runs, and why it does not run similar ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auricle_server.checkpoints.errors import UnsupportedModel
from auricle_server.checkpoints.parsing.bounds import DURATIONS
from auricle_server.checkpoints.section import RUNS, Section

_SHOWN = 80
"""Characters of a class's name in a message."""
MEMBERS = frozenset(
    (
        "EncDecRNNTBPEModel",
        "EncDecRNNTBPEModelWithPrompt",
        "EncDecRNNTBPEEOUModel",
        "EncDecHybridRNNTCTCBPEModel",
        "EncDecHybridRNNTCTCBPEModelWithPrompt",
        "EncDecHybridRNNTCTCBPEEOUModel",
    )
)
"""Hybrid models have a CTC head beside the transducer; the engine runs the transducer."""

_REASONS = (
    ("MultiTalker", "it needs the speaker of every frame as an input, which audio alone does not give"),
    ("MultiTask", "its attention decoder needs the whole recording before the first word"),
    ("Hybrid", "it spells characters without a SentencePiece tokenizer; take a model with 'BPE' in its class"),
    ("EncDecRNNTModel", "it spells characters without a SentencePiece tokenizer; take a model with 'BPE' in its class"),
    ("CTC", "CTC has no prediction network; take a transducer (RNNT) or a hybrid of the same size"),
)


def check_class(target: str) -> None:
    """Refuses classes that the engine does not run, and says why where that is known.

    Raises:
        UnsupportedModel: The engine does not run the class `target`, a full name.
    """
    name = target.rpartition(".")[2]
    if name in MEMBERS:
        return
    reason = next((why for part, why in _REASONS if part in name), "its class is not one of the family's")
    raise UnsupportedModel(f"the checkpoint is of class {name[:_SHOWN] or 'unknown'}: {reason}. {RUNS}")


def check_transducer(raw: Mapping[str, Any]) -> None:
    """Refuses a transducer that predicts durations (TDT), which differs from others only in its joint.

    Raises:
        UnsupportedModel: The transducer predicts durations.
    """
    joint, loss = Section("joint", raw.get("joint")), Section("", raw).optional("loss")
    extra = joint.integer("num_extra_outputs", DURATIONS, 0)
    if extra or loss.find("loss_name") == "tdt":
        raise UnsupportedModel(
            f"the joint has {extra} more outputs, for durations: a TDT model skips frames that a stream has not "
            f"received yet, and is trained on whole recordings; take an RNNT model. {RUNS}"
        )


def is_prompted(raw: Mapping[str, Any]) -> bool:
    """Whether the model takes a language prompt."""
    defaults = Section("", raw).optional("model_defaults")
    return str(raw.get("target", "")).endswith("WithPrompt") and defaults.flag("initialize_prompt_feature", True)
