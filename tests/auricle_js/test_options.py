"""What of the JavaScript client needs no server."""

from __future__ import annotations

from pathlib import Path

from tests.support.browser.node import NEEDS_NODE, run_suite


@NEEDS_NODE
async def test_options_settings_and_samples() -> None:
    await run_suite(Path(__file__).with_name("options.test.mjs"))
