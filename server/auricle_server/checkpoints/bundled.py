"""Models that come with the package."""

from __future__ import annotations

from pathlib import Path

_DEMO = Path(__file__).parent / "demo"
BUNDLED = {"demo": _DEMO / "demo_en.nemo", "demo-multilingual": _DEMO / "demo_multilingual.nemo"}
"""By name."""
