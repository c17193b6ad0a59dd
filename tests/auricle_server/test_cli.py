from __future__ import annotations

import builtins
import sys
from typing import Any

import pytest

from auricle_server import cli


def test_without_the_server_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_typer(name: str, *arguments: Any) -> Any:
        if name.startswith(("typer", "rich")):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *arguments)

    for module in [name for name in sys.modules if name.startswith("auricle_server.commands")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", without_typer)
    with pytest.raises(SystemExit, match=r"pip install '\.\[server\]'"):
        cli.main()


def test_another_missing_module_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "auricle_server.commands.app", None)
    with pytest.raises(ModuleNotFoundError, match=r"auricle_server\.commands\.app"):
        cli.main()
