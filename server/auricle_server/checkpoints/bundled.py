"""Models that come with the package."""

from __future__ import annotations

from pathlib import Path

BUNDLED = {"demo": Path(__file__).parent / "demo" / "demo_en.nemo"}
"""By name."""
