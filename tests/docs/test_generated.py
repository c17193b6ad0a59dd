"""The generated parts of the pages are those that the code and the committed results give now."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from auricle_server.config import ConfigError, ServerConfig, from_environment

ROOT = Path(__file__).parents[2]
LIGHT = """
import runpy, sys
parts = runpy.run_path("docs/generate.py")
for page in parts["pages"]():
    parts["rewritten"](page.read_text())
sys.exit(", ".join({"torch", "numpy", "nemo", "pipecat", "livekit"} & set(sys.modules)) or 0)
"""


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_is_stale(generator: ModuleType) -> None:
    stale = [page.name for page in generator.pages() if generator.rewritten(page.read_text()) != page.read_text()]
    assert not stale, f"run: make docs-generate ({', '.join(stale)})"


def test_every_block_is_used(generator: ModuleType) -> None:
    text = "\n".join(page.read_text() for page in generator.pages())
    assert [name for name in generator.BLOCKS if f"<!-- generated: {name}" not in text] == []
    assert [name for name in generator._messages() if f"<!-- generated: message {name} -->" not in text] == []
    assert text.count("<!-- generated: ") == text.count("<!-- end of generated -->")


def test_an_unknown_block_is_an_error(generator: ModuleType) -> None:
    with pytest.raises(generator.Stale, match="'nothing'"):
        generator.rewritten("<!-- generated: nothing -->\n<!-- end of generated -->")


def test_nothing_heavy_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_variable_of_the_table_is_read(generator: ModuleType) -> None:
    config = ServerConfig()
    for owner in (config, config.limits):
        for name in owner.__slots__:
            variable = f"AURICLE_{name.upper()}"
            if name != "limits":
                assert f"`{variable}`" in generator.configuration_table()
            if isinstance(getattr(owner, name), int | float):
                with pytest.raises(ConfigError, match=variable):
                    from_environment({variable: "nonsense"})
