"""`auricle archive`."""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Self

import typer
from rich.progress import BarColumn, Progress, TextColumn

from auricle_server.archives.archive_format import ArchiveFormat
from auricle_server.commands.console import fail, notes, printable, warn
from auricle_server.dtypes import AUTO

if TYPE_CHECKING:
    from auricle_server.archives.inputs.listing import Listing
    from auricle_server.archives.options import ArchiveOptions
    from auricle_server.archives.progress import ArchiveProgress
    from auricle_server.archives.run import ArchiveResult

_LINE_SECONDS = 30.0
"""Between two lines of progress where there is no terminal."""


def archive(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Recording, folder, glob, or manifest (.jsonl, .parquet), here or at an address that fsspec knows, "
            "for example s3://bucket/calls.",
        ),
    ],
    out: Annotated[str, typer.Argument(metavar="OUT", help="Folder or address of the tables.")],
    kind: Annotated[
        ArchiveFormat | None,
        typer.Option("--format", help="Format of the tables. Default: by the end of OUT, else jsonl."),
    ] = None,
    model: Annotated[str, typer.Option(help="demo, a .nemo file, a folder, or a Hugging Face id.")] = "demo",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16, fp16-weights or int8.")] = AUTO,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="CPU threads of a worker. Default: 1 for a bundled model, else all of a machine; 1 with a GPU."
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes with a model. Default: one for each GPU, or as many as the CPUs allow."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster to use: auto, or HOST:PORT. Default: the command starts Ray on this machine."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="BCP-47 code, or auto, for recordings whose manifest names none.")
    ] = None,
    keyterms: Annotated[
        list[str] | None, typer.Option("--keyterm", help="A name or phrase to prefer. Repeat the option for several.")
    ] = None,
    channel: Annotated[
        str, typer.Option(metavar="1|2|mix|split", help="Channel to transcribe, as for auricle transcribe.")
    ] = "mix",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try the files again that failed in an earlier run.")
    ] = False,
    part_seconds: Annotated[
        float,
        typer.Option(min=0, help="Write a part at least this often: no more work is lost when the command crashes."),
    ] = 30.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the files that would be transcribed, and write nothing.")
    ] = False,
) -> None:
    """Transcribe an archive of recordings with many workers, each file exactly once.

    Needs the extra [ray]. OUT has a table of transcripts and one of failures, in parts. Run the same command again
    after any interruption: it goes on where it stopped. The exit code is 1 when files have failed, 2 when the command
    could not work, and 130 or 143 after Ctrl-C or SIGTERM.
    """
    from auricle_server.archives.archive_format import format_of
    from auricle_server.archives.errors import ArchiveError
    from auricle_server.archives.inputs.manifests import parse_channel
    from auricle_server.archives.inputs.sources import ArchiveFile
    from auricle_server.archives.local_ray import require_ray
    from auricle_server.archives.options import ArchiveOptions, WorkerSettings

    try:
        checked = parse_channel(channel)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--channel") from error
    try:
        require_ray()
        options = ArchiveOptions(
            inputs=tuple(inputs),
            out=out,
            kind=format_of(out, kind),
            worker=WorkerSettings(_absolute(model), device, dtype, threads),
            defaults=ArchiveFile("", language=language, channel=checked, keyterms=tuple(keyterms or ())),
            workers=workers,
            address=address,
            retry_failed=retry_failed,
            part_seconds=part_seconds,
        )
        code = _plan(options) if dry_run else _run(options)
    except ArchiveError as error:
        fail(printable(str(error)))
        raise typer.Exit(2) from error
    raise typer.Exit(code)


def _absolute(model: str) -> str:
    """A model's path as workers of another folder understand it; other names as they are."""
    return str(Path(model).absolute()) if Path(model).exists() else model


def _plan(options: ArchiveOptions) -> int:
    from auricle_server.archives.run import plan_archive

    listing = plan_archive(options)
    for file in listing.files:
        sys.stdout.write(f"{printable(file.source)}\n")
    _tell(listing)
    return 0


def _run(options: ArchiveOptions) -> int:
    from auricle_server.archives.run import Observer, run_archive

    with _Interruption() as interruption, ExitStack() as screen:
        began = time.monotonic()
        shown = _Shown(screen)

        def working(workers: str) -> None:
            interruption.install()  # Ray takes SIGTERM for itself when it starts
            notes.print(f"Ray has started in {time.monotonic() - began:.0f} s: {workers}", markup=False, soft_wrap=True)
            shown.begin()

        result = run_archive(options, Observer(_tell, shown.move, working, interruption.stop))
    _summarise(result, time.monotonic() - began)
    if result.stopped:
        return 128 + (interruption.signal or signal.SIGINT)
    return 1 if result.failures else 0


def _tell(listing: Listing) -> None:
    size = sum(file.size or 0 for file in listing.files)
    parts = [f"{len(listing.files):,} files to transcribe ({size / 1e9:,.2f} GB)"]
    for count, what in (
        (listing.done, "done already"),
        (listing.failed, "failed before (--retry-failed tries them again)"),
        (listing.duplicates, "named more than once"),
        *((count, f"skipped: {reason}") for reason, count in sorted(listing.skipped.items())),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    notes.print("; ".join(parts), markup=False, soft_wrap=True)


def _summarise(result: ArchiveResult, seconds: float) -> None:
    progress = result.progress
    if progress.files:
        notes.print(progress.line(seconds), markup=False, soft_wrap=True)
    if progress.again:
        warn(f"{progress.again:,} files were done again because a worker had ended")
    if progress.damaged:
        warn(f"{progress.damaged:,} files could not be read to their end: see the column damage")
    if result.failures:
        warn(
            f"{result.failures:,} files are in the table of failures, with the reason; --retry-failed tries them again"
        )
    if result.stopped:
        warn("stopped; run the same command again to go on")


class _Interruption:
    """Ctrl-C and SIGTERM as a request to stop; a second one acts as usual."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.signal = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        self.install()
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def install(self) -> None:
        """Takes both signals."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.signal = number
        self.stop.set()
        signal.signal(number, signal.SIG_DFL)


class _Shown:
    """Progress as a bar, or as a line now and then.

    Args:
        screen: Ends the bar.
    """

    def __init__(self, screen: ExitStack) -> None:
        columns = BarColumn(bar_width=24), TextColumn("{task.fields[caption]}", markup=False)
        self._bar = Progress(*columns, console=notes, transient=True, disable=not notes.is_terminal)
        self._task = self._bar.add_task("", total=1.0, caption="loading the model")
        self._screen = screen
        self._last = 0.0

    def begin(self) -> None:
        self._screen.enter_context(self._bar)

    def move(self, progress: ArchiveProgress, seconds: float) -> None:
        line = progress.line(seconds)
        if notes.is_terminal:
            if progress.ended:
                self._bar.update(self._task, completed=progress.share, caption=line)
        elif seconds - self._last >= _LINE_SECONDS:
            self._last = seconds
            notes.print(line, markup=False, soft_wrap=True)
