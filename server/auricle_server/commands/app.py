"""The command line: all subcommands in one application."""

from __future__ import annotations

from importlib import metadata
from typing import Annotated

import typer

from auricle_server.commands.archive import archive
from auricle_server.commands.bench import bench
from auricle_server.commands.capacity.fleet import fleet
from auricle_server.commands.capacity.size import size
from auricle_server.commands.demo import demo
from auricle_server.commands.doctor.command import doctor
from auricle_server.commands.evaluate import evaluate
from auricle_server.commands.keys import keys
from auricle_server.commands.models import models
from auricle_server.commands.pull import pull
from auricle_server.commands.reload import reload
from auricle_server.commands.serve import serve
from auricle_server.commands.transcribe import transcribe

app = typer.Typer(
    name="auricle",
    help="Self-hosted streaming speech-to-text for voice agents.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"auricle {metadata.version('auricle')}")
        raise typer.Exit


@app.callback()
def auricle(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Self-hosted streaming speech-to-text for voice agents."""


for command in (serve, reload, transcribe, archive, evaluate, demo, models, pull, doctor, size):
    app.command()(command)
bench.command()(fleet)
app.add_typer(bench)
app.add_typer(keys)
