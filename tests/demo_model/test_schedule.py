from __future__ import annotations

import pytest
import torch

from demo_model import schedule
from demo_model.schedule import TrainingBudget


def test_a_short_training_goes_through_every_stage() -> None:
    names = [schedule.stage_at(fraction / 1000, 10).name for fraction in range(1001)]
    assert list(dict.fromkeys(names)) == [stage.name for stage in schedule.STAGES]


def test_a_long_training_goes_from_stage_to_stage_by_steps() -> None:
    names = [schedule.stage_at(0.01, steps).name for steps in range(0, 10_000, 100)]
    assert list(dict.fromkeys(names)) == ["phones", "ctc", "rnnt", "acoustics"]
    assert schedule.stage_at(0.95, 10_000).name == "final"


def test_the_rate_rises_holds_and_falls() -> None:
    budget = TrainingBudget(100, 40)
    rates = [budget.rate(60.0 * minute, 50 * minute) for minute in range(101)]
    assert rates[0] < 0.1 * schedule.PEAK_RATE
    assert rates[10] == rates[60] == schedule.PEAK_RATE
    assert rates[80] == pytest.approx(schedule.PEAK_RATE * (0.51), rel=0.01)
    assert rates[100] == pytest.approx(schedule.PEAK_RATE * schedule.FLOOR)
    assert sorted(rates[60:], reverse=True) == rates[60:]
    assert [budget.falls(60.0 * minute) for minute in (0, 59, 61, 100)] == [False, False, True, True]


def test_a_training_whose_end_was_not_known_is_finished_by_a_budget_that_ends() -> None:
    used = 700 * 60.0
    assert TrainingBudget(10_000, 60).rate(used, 90_000) == schedule.PEAK_RATE
    ending = TrainingBudget(760, 60)
    assert ending.rate(used, 90_000) == schedule.PEAK_RATE
    assert ending.rate(used + 3600, 90_000) == pytest.approx(schedule.PEAK_RATE * schedule.FLOOR)


def test_spec_augment_changes_little_and_no_padding() -> None:
    mel = torch.randn(3, 400, 80)
    out = schedule.spec_augment(mel, torch.tensor([400, 300, 90]), torch.Generator().manual_seed(1))
    assert (out != mel).float().mean() < 0.25
    assert torch.equal(out[2, 90:], mel[2, 90:])
