"""Hypothesis as in the tests of the core: without a stopwatch."""

from __future__ import annotations

from hypothesis import settings

import tests.auricle.conftest  # noqa: F401 - has the profile

settings.load_profile("unhurried")
