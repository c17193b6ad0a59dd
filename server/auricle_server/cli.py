"""The `auricle` command."""

from __future__ import annotations

import sys

_COMMAND_LINE_PACKAGES = {"typer", "rich", "click"}


def main() -> None:
    """Runs the command line; without the [server] extra, prints how to install it."""
    try:
        from auricle_server.commands.app import app
    except ModuleNotFoundError as missing:
        if missing.name not in _COMMAND_LINE_PACKAGES:
            raise
        sys.exit(f"auricle: {missing.name} is not installed; in a checkout of Auricle, run: pip install '.[server]'")
    app()
