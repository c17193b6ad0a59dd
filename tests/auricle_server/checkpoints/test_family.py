"""Which classes load, and that similar ones are refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from auricle_server.checkpoints.config import parse_config
from auricle_server.checkpoints.errors import UnsupportedModel
from auricle_server.checkpoints.family import MEMBERS, check_class, check_transducer, is_prompted
from tests.support.archives import raw_config
from tests.support.tones import CHECKPOINT


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_a_member_is_accepted_in_whatever_module_it_is(name: str) -> None:
    check_class(name)
    check_class(f"nemo.collections.asr.models.{name}")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("EncDecCTCModelBPE", "CTC has no prediction network"),
        ("EncDecMultiTaskModel", "needs the whole recording"),
        ("EncDecMultiTalkerRNNTBPEModel", "speaker of every frame"),
        ("EncDecRNNTModel", "spells characters"),
        ("EncDecHybridRNNTCTCModel", "spells characters"),
        ("EncDecSpeakerLabelModel", "not one of the family"),
        ("", "of class unknown"),
    ],
)
def test_a_relative_is_refused_with_the_reason(name: str, reason: str) -> None:
    raw = raw_config(CHECKPOINT) | {"target": f"nemo.collections.asr.models.{name}"}
    with pytest.raises(UnsupportedModel, match=reason) as refused:
        parse_config(raw)
    assert name in str(refused.value)
    assert "auricle models" in str(refused.value)


@pytest.mark.parametrize("changes", [{"joint": {"num_extra_outputs": 5}}, {"joint": {}, "loss": {"loss_name": "tdt"}}])
def test_a_transducer_that_predicts_durations_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedModel, match=r"TDT model.*take an RNNT model"):
        check_transducer(changes)


def test_a_plain_transducer_is_accepted() -> None:
    check_transducer({"joint": {"num_extra_outputs": 0}, "loss": {"loss_name": "default"}})
    check_transducer({"joint": {}, "loss": None})


@pytest.mark.parametrize(
    ("target", "defaults", "prompted"),
    [
        ("a.EncDecRNNTBPEModelWithPrompt", None, True),
        ("a.EncDecRNNTBPEModelWithPrompt", {"initialize_prompt_feature": True}, True),
        ("a.EncDecRNNTBPEModelWithPrompt", {"initialize_prompt_feature": False}, False),
        ("a.EncDecRNNTBPEModel", {"initialize_prompt_feature": True}, False),
    ],
)
def test_the_class_takes_a_prompt_unless_it_is_switched_off(
    target: str, defaults: dict[str, bool] | None, prompted: bool
) -> None:
    assert is_prompted({"target": target, "model_defaults": defaults}) == prompted
