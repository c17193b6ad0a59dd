"""The generated parts of the pages are those that the code and the committed results give now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from auricle_server.config import ConfigError, ServerConfig, from_environment
from docs import generate
from docs.tables import Stale, code

ROOT = Path(__file__).parents[2]
LIGHT = """
import sys
from docs import generate
for page in generate.pages():
    generate.rewritten(page.read_text())
sys.exit(", ".join({"torch", "numpy", "nemo", "pipecat", "livekit"} & set(sys.modules)) or 0)
"""


def test_no_page_is_stale() -> None:
    stale = [page.name for page in generate.pages() if generate.rewritten(page.read_text()) != page.read_text()]
    assert not stale, f"run: make docs-generate ({', '.join(stale)})"


def test_every_block_is_used() -> None:
    text = "\n".join(page.read_text() for page in generate.pages())
    assert [name for name in generate.BLOCKS if f"<!-- generated: {name}" not in text] == []
    assert [name for name in code.messages() if f"<!-- generated: message {name} -->" not in text] == []
    assert text.count("<!-- generated: ") == text.count("<!-- end of generated -->")


def test_an_unknown_block_is_an_error() -> None:
    with pytest.raises(Stale, match="'nothing'"):
        generate.rewritten("<!-- generated: nothing -->\n<!-- end of generated -->")


def test_nothing_heavy_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_variable_of_the_table_is_read() -> None:
    config = ServerConfig()
    for owner in (config, config.telemetry, config.limits):
        for name in owner.__slots__:
            variable = f"AURICLE_{name.upper()}"
            if name not in {"limits", "telemetry"}:
                assert f"`{variable}`" in code.configuration_table()
            if isinstance(getattr(owner, name), int | float):
                with pytest.raises(ConfigError, match=variable):
                    from_environment({variable: "nonsense"})
