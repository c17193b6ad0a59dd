"""`auricle transcribe`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from auricle_server.commands.console import fail
from auricle_server.commands.transcript_formats import TranscriptFormat


def transcribe(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="wav, flac, ogg, mp3, ... of any rate; - is standard input.")
    ],
    url: Annotated[
        str | None,
        typer.Option(help="Server to use, like ws://host:8765. Without it one is started for this command alone."),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="AURICLE_API_KEY", help="Key of that server.", show_envvar=True)
    ] = None,
    model: Annotated[
        str, typer.Option(help="Without --url: demo, a .nemo file, a folder, or a Hugging Face id.")
    ] = "demo",
    latency_ms: Annotated[
        int | None,
        typer.Option(help="As a live stream of this chunk latency would be heard; default: the model's largest."),
    ] = None,
    language: Annotated[str | None, typer.Option(help="BCP-47 code or auto, where the model has several.")] = None,
    keyterms: Annotated[
        list[str] | None, typer.Option("--keyterm", help="A name or phrase to favour; may be given several times.")
    ] = None,
    realtime: Annotated[bool, typer.Option("--realtime", help="Play at the speed of speech.")] = False,
    kind: Annotated[TranscriptFormat, typer.Option("--format", help="What to print.")] = TranscriptFormat.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write one file per input to.", file_okay=False)
    ] = None,
) -> None:
    """Transcribe audio files, with the model's full look-ahead and as fast as the machine can.

    Text goes to standard output, progress and errors to standard error. A bad file is named and does not stop the
    others; the exit code is 1 when any failed.
    """
    from auricle.protocol.client_messages import Start
    from auricle_server.commands.transcription import NoServer, TranscriptionOptions, transcribe_all

    offline = not realtime and latency_ms is None
    start = Start(latency_ms=latency_ms, language=language, offline=offline, keyterms=tuple(keyterms or ()))
    options = TranscriptionOptions(start, kind, realtime, api_key, output)
    try:
        failures = asyncio.run(transcribe_all(files, url, model, options))
    except NoServer as error:
        fail(str(error))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(1 if failures else 0)
