"""What importing the plugin does, and does not do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from livekit.agents import Plugin
from livekit.plugins import auricle

import auricle as core

PACKAGE = Path(auricle.__file__).parent

IMPORT_AND_LIST_HEAVY = """
import sys
import livekit.plugins.auricle
heavy = {"torch", "nemo", "auricle_server", "msgspec", "zmq", "soxr"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def test_importing_it_imports_neither_torch_nor_nemo_nor_the_server() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_AND_LIST_HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_it_registers_itself_under_the_distributions_version() -> None:
    (plugin,) = [plugin for plugin in Plugin.registered_plugins if plugin.package == "livekit.plugins.auricle"]
    assert (plugin.title, plugin.version) == ("livekit.plugins.auricle", core.__version__)
    assert plugin.logger is not None


def test_the_namespaces_above_it_stay_open_for_other_plugins() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert not (PACKAGE.parent / "__init__.py").exists()
    assert not (PACKAGE.parent.parent / "__init__.py").exists()
