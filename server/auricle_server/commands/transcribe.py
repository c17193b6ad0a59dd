"""`auricle transcribe`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer

from auricle_server.commands.console import fail, server_asked_for
from auricle_server.commands.transcript_formats import TranscriptFormat


def transcribe(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="Recording: wav, flac, ogg, mp3, and with ffmpeg installed m4a, mp4, webm, amr, wma and others; "
            "- reads standard input.",
        ),
    ],
    url: Annotated[
        str | None,
        typer.Option(
            envvar="AURICLE_URL",
            show_envvar=True,
            help="Server to use, for example ws://host:8765. By default, and with --model, the command starts its own.",
        ),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option(envvar="AURICLE_API_KEY", help="API key of the server.", show_envvar=True)
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model of the started server: demo, a .nemo file, a folder, or a Hugging Face id.")
    ] = "demo",
    model_name: Annotated[
        str | None,
        typer.Option(help="Model to use, by its name, of a server with several. Default: the server's first."),
    ] = None,
    latency_ms: Annotated[
        int | None,
        typer.Option(help="Transcribe as a live stream with this chunk latency. Default: the model's largest."),
    ] = None,
    language: Annotated[str | None, typer.Option(help="BCP-47 code, or auto, for a multilingual model.")] = None,
    keyterms: Annotated[
        list[str] | None, typer.Option("--keyterm", help="A name or phrase to prefer. Repeat the option for several.")
    ] = None,
    channel: Annotated[
        str,
        typer.Option(
            metavar="1|2|mix|split",
            help="Channel to transcribe; mix takes all as one, split gives each its own transcript, with the times of "
            "the recording, for calls with a party on each channel.",
        ),
    ] = "mix",
    realtime: Annotated[bool, typer.Option("--realtime", help="Send the audio at the speed of speech.")] = False,
    kind: Annotated[TranscriptFormat, typer.Option("--format", help="Output format.")] = TranscriptFormat.TEXT,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write one file per transcript into this folder.", file_okay=False),
    ] = None,
) -> None:
    """Transcribe audio files with the model's full look-ahead, as fast as the machine can.

    Transcripts go to standard output, progress and errors to standard error. When a file cannot be transcribed, the
    command reports it, continues with the next file, and exits with code 1. Of a damaged file it transcribes what can
    be read.
    """
    from auricle.protocol.client_messages import Start
    from auricle_server.commands.transcription import NoServer, TranscriptionOptions, transcribe_all
    from auricle_server.commands.transcripts.outputs import UnusableOutput

    offline = not realtime and latency_ms is None
    terms = tuple(keyterms or ())
    start = Start(latency_ms=latency_ms, language=language, offline=offline, keyterms=terms, model=model_name)
    options = TranscriptionOptions(start, kind, realtime, api_key, output, _channel(channel))
    try:
        url = server_asked_for(context, url, {"model"})
        failures = asyncio.run(transcribe_all(files, url, model, options))
    except (NoServer, UnusableOutput) as error:
        fail(str(error))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(1 if failures else 0)


def _channel(value: str) -> int | Literal["mix", "split"]:
    match value:
        case "mix" | "split":
            return value
        case number if number.isascii() and number.isdigit() and int(number):
            return int(number)
    raise typer.BadParameter(
        f"{value!r} is no channel: expected mix, split, or a number from 1", param_hint="--channel"
    )
