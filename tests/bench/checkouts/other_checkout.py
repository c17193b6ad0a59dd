"""Figures of a bench by the code of another checkout, to measure two commits in turns on one machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from auricle_server.bench.report.machine import commit

_CALL = """
import importlib, json, sys
module, function, arguments = json.loads(sys.argv[1])
print(json.dumps(getattr(importlib.import_module(module), function)(**arguments)))
"""


class OtherCheckout:
    """Another checkout of Auricle, which needs no environment of its own.

    Args:
        folder: Its root.

    Attributes:
        commit: Its commit.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.commit = commit(self._folder)

    def call(self, module: str, function: str, **arguments: Any) -> dict[str, float]:
        """The figures that a function returns there, in a process of its own.

        Args:
            module: Of the function; it has it at that commit, too.
            function: Takes JSON values and returns figures by name.
            arguments: Its arguments.

        Raises:
            subprocess.CalledProcessError: It has failed; its traceback is on the terminal.
        """
        paths = [self._folder / "plugins", self._folder / "server", self._folder]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
        command = [sys.executable, "-c", _CALL, json.dumps([module, function, arguments])]
        done = subprocess.run(command, cwd=self._folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures
