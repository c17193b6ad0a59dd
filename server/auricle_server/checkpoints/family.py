"""Which classes of NeMo's are members of the family, and why their relatives are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from auricle_server.checkpoints.errors import UnsupportedModel
from auricle_server.checkpoints.section import RUNS, Section

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
"""The hybrid ones have a CTC head beside the transducer; the engine runs the transducer."""

_REASONS = (
    ("MultiTalker", "it needs to be told who speaks, frame by frame, which a stream of audio alone does not say"),
    ("MultiTask", "its attention decoder needs the whole recording before the first word"),
    ("Hybrid", "it spells characters without a SentencePiece tokenizer; take a model with 'BPE' in its class"),
    ("EncDecRNNTModel", "it spells characters without a SentencePiece tokenizer; take a model with 'BPE' in its class"),
    ("CTC", "CTC has no prediction network; take a transducer (RNNT) or a hybrid of the same size"),
)


def check_class(target: str) -> None:
    """Refuses a class that is no member, and says why where that is known.

    Raises:
        UnsupportedModel: `target`, the class by its full name, is no member of the family.
    """
    name = target.rpartition(".")[2]
    if name in MEMBERS:
        return
    reason = next((why for part, why in _REASONS if part in name), "its class is not one of the family's")
    raise UnsupportedModel(f"the checkpoint is of class {name or 'unknown'}: {reason}. {RUNS}")


def check_transducer(raw: Mapping[str, Any]) -> None:
    """Refuses a transducer that predicts durations (TDT), which looks like any other but for its joint.

    Raises:
        UnsupportedModel: It does.
    """
    joint, loss = Section("joint", raw.get("joint")), raw.get("loss") or {}
    extra = int(joint.find("num_extra_outputs", 0))
    if extra or loss.get("loss_name") == "tdt":
        raise UnsupportedModel(
            f"the joint has {extra} more outputs, for durations: a TDT model skips frames that it has not heard yet, "
            f"and is trained on whole recordings; take an RNNT one. {RUNS}"
        )


def is_prompted(raw: Mapping[str, Any]) -> bool:
    """Whether the model takes a language prompt."""
    defaults = raw.get("model_defaults") or {}
    return str(raw.get("target", "")).endswith("WithPrompt") and defaults.get("initialize_prompt_feature") is not False
