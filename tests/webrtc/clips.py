"""What the callers say, and how close a transcript comes to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from importlib.resources import as_file, files
from json import loads

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final

RATE = 16_000
LOUD = 500  # samples of speech, of 32767
CLIP = 1  # a clean voice that the bundled model knows well, and two sentences with a pause between

Pcm = npt.NDArray[np.int16]
Wire = Sequence[bytes | None]
"""Audio as it came, and None where a final was asked for."""


def clip(leading: float = 0.0, trailing: float = 0.0) -> tuple[Pcm, str]:
    """A bundled recording at 16 kHz between seconds of silence, and its words."""
    folder = files("auricle_server") / "demo" / "audio"
    entry = loads((folder / "manifest.json").read_text())[CLIP]
    with as_file(folder / entry["file"]) as path:
        pcm, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    return np.concatenate([silence(leading), pcm, silence(trailing)]), entry["text"]


def sentence() -> tuple[Pcm, str]:
    """The first sentence of the recording, up to the pause after it."""
    pcm, text = clip()
    loud = np.flatnonzero(np.abs(pcm) > LOUD)
    pause = loud[np.argmax(np.diff(loud) > RATE // 2)]
    return pcm[: pause + RATE // 4], text.split(".")[0]


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE), np.int16)


async def spoken(text: str, rate: int) -> Pcm:
    """Speech of espeak-ng."""
    process = await asyncio.create_subprocess_exec(
        "espeak-ng", "--stdin", "--stdout", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    wave, _ = await process.communicate(text.encode())
    pcm = np.frombuffer(wave[44:], np.int16)
    resampled: Pcm = soxr.resample(pcm, int.from_bytes(wave[24:28], "little"), rate)
    return resampled


def words(text: str) -> list[str]:
    """Without case and punctuation."""
    return re.findall(r"[\w']+", text.lower())


def likeness(heard: str, said: str) -> float:
    """Share of the words that agree."""
    return SequenceMatcher(None, words(heard), words(said), autojunk=False).ratio()


async def recognised(url: str, start: Start, wire: Wire) -> list[Final]:
    """What a server makes of audio that is sent to it directly: the finals with words in them."""
    async with auricle.connect(url, start=start) as stream, asyncio.TaskGroup() as tasks:
        tasks.create_task(_send(stream, wire))
        return [event async for event in stream if isinstance(event, Final) and event.text.strip()]


async def text_of(url: str, pcm: Pcm) -> str:
    """The words in audio at 16 kHz."""
    wire = [pcm.tobytes(), silence(0.5).tobytes()]
    return " ".join(final.text.strip() for final in await recognised(url, Start(sample_rate=RATE), wire))


async def _send(stream: auricle.Stream, wire: Wire) -> None:
    for piece in wire:
        await (stream.finalize() if piece is None else stream.send(piece))
    await stream.end()
