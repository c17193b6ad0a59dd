"""Hypothesis without a stopwatch: a busy machine is no bug."""

from __future__ import annotations

from contextlib import suppress

with suppress(ModuleNotFoundError):  # the modules that use it are skipped
    from hypothesis import HealthCheck, settings

    settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("unhurried")
