from __future__ import annotations

import pytest
import torch

from demo_model import schedule


def test_schedule_covers_the_budget() -> None:
    names = [schedule.stage_at(fraction / 1000).name for fraction in range(1001)]
    assert list(dict.fromkeys(names)) == [stage.name for stage in schedule.STAGES]
    rates = [schedule.rate_at(fraction / 1000) for fraction in range(1001)]
    assert max(rates) == schedule.PEAK_RATE
    assert rates[-1] == pytest.approx(schedule.PEAK_RATE * schedule.FLOOR)


def test_spec_augment_changes_little_and_no_padding() -> None:
    mel = torch.randn(3, 400, 80)
    out = schedule.spec_augment(mel, torch.tensor([400, 300, 90]), torch.Generator().manual_seed(1))
    assert (out != mel).float().mean() < 0.25
    assert torch.equal(out[2, 90:], mel[2, 90:])
