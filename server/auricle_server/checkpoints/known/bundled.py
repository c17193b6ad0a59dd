"""The models that come with the package."""

from __future__ import annotations

from pathlib import Path

_DEMO = Path(__file__).parents[1] / "demo"
BUNDLED = {"demo": _DEMO / "demo_en.nemo", "demo-multilingual": _DEMO / "demo_multilingual.nemo"}
"""Models that come with the package, by name."""
OWN_LICENCE = "Apache-2.0"
"""Licence of the bundled models."""
