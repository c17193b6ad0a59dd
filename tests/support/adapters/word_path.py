"""Counts the files whose code runs while one chunk of audio becomes one interim in a Pipecat pipeline.

``python -m tests.support.adapters.word_path`` prints them. The server runs in this process, so that every Python
function that is called on the way is seen; between processes, `ipc.zeromq` takes the place of `ipc.in_process`. The
tone model of `tests.support.tones` runs at 80 ms, with turn ends by silence.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from pipecat.frames.frames import InterimTranscriptionFrame

from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from pipecat_auricle import AuricleSTTService
from tests.support import tones
from tests.support.adapters.pipecat_pipeline import pcm_frames, running

ROOT = Path(__file__).parents[3]
_SOURCES = tuple(str(ROOT / source) + "/" for source in ("plugins", "server"))
_ENGINE = "server/auricle_server/engine/engine.py"
_WORKER = "server/auricle_server/worker/"
_WORDS = 3
"""Interims to trace: what only some of them pass, as timers do, is not on the way."""
_QUIET = 0.03
"""Seconds without a call after which a frame has been dealt with by all tasks and threads."""


class Call(NamedTuple):
    """A function that was called, by its file and its name."""

    file: str
    function: str


class WordPath(NamedTuple):
    """Files in the order in which they are first passed.

    Attributes:
        sample: From the frame of audio that completes a chunk to the engine's step that computes it.
        token: From the step's results to the interim's frame.
    """

    sample: tuple[str, ...]
    token: tuple[str, ...]


class _Trace:
    """Collects the calls of all threads; a profile function of Python."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(_SOURCES):
            self.calls.append(Call(file[len(str(ROOT)) + 1 :], frame.f_code.co_name))

    @property
    def has_step(self) -> bool:
        """Whether the engine has been stepped with something to compute."""
        return Call(_ENGINE, "_assemble") in self.calls


async def trace_word_path() -> WordPath:
    """Traces a few words; returns the files that all of them pass."""
    trace = _Trace()
    threading.setprofile(trace)  # for the worker's thread, which starts with the server
    sys.setprofile(trace)
    try:
        paths = await _traced(trace)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return WordPath(_common(path.sample for path in paths), _common(path.token for path in paths))


async def _traced(trace: _Trace) -> list[WordPath]:
    pcm, _ = tones.utterance(seed=3, words=3 * _WORDS, trailing=0.4)
    settings = AuricleSTTService.Settings(latency_ms=80)
    paths: list[WordPath] = []
    async with serve_locally(ServerConfig(model=str(tones.CHECKPOINT), max_load=0, turn_models="off")) as url:
        stt = AuricleSTTService(url=url, turn_detection="server", settings=settings)
        async with running(stt) as agent:
            for frame in pcm_frames(pcm):
                interims = len(agent.down.of(InterimTranscriptionFrame))
                await _until_quiet(trace)
                trace.calls.clear()
                await agent.send(frame)
                await _until_quiet(trace)
                if trace.has_step and len(agent.down.of(InterimTranscriptionFrame)) > interims:
                    paths.append(_split(list(trace.calls)))
                if len(paths) == _WORDS:
                    break
    return paths


async def _until_quiet(trace: _Trace) -> None:
    count = -1
    while count != len(trace.calls):
        count = len(trace.calls)
        await asyncio.sleep(_QUIET)


def _split(calls: list[Call]) -> WordPath:
    step = calls.index(Call(_ENGINE, "_assemble"))
    sample, after = calls[:step], calls[step:]
    results = next(index for index, call in enumerate(after) if call.file.startswith(_WORKER))
    token = [call for call in after[results:] if not call.file.startswith("server/auricle_server/engine/")]
    return WordPath(_files(sample), _files(token))


def _files(calls: Iterable[Call]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(call.file for call in calls))


def _common(paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    first, *others = paths
    return tuple(file for file in first if all(file in other for other in others))


def main() -> None:
    path = asyncio.run(trace_word_path())
    for name, files in path._asdict().items():
        print(f"{name}: {len(files)} files", *files, sep="\n  ")


if __name__ == "__main__":
    main()
