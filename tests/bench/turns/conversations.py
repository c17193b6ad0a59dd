"""Conversations as a recogniser hears one side of them: turns with pauses, and where each truly ends.

Times are samples at 16 kHz. A turn ends with its last phone that is not silence; the synthesiser's own silence around
it is no speech. Pauses are true silence: the voice is cut between two words, with short fades, and noise, room and
telephone come on top of the whole.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import wave
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from demo_model.audio import acoustics
from demo_model.audio.voices import SAMPLE_RATE, EspeakVoice, FliteVoice, SynthesisVoice
from tests.bench.turns.scripts import SetName, TurnScript, scripts
from tests.bench.turns.synthesis import NoSuchBreak, Pause, SpokenLine, Tape

TURNS = 4
GAP_SECONDS = (2.6, 3.4)
"""From a turn's end to the next turn: the agent speaks, and this side is silent."""
TRAIL_SECONDS = 3.4
_LEAD_SECONDS = 0.6
_FIRST_SEED = {"tune": 10_000_000, "held_out": 20_000_000}
_VOICES: dict[SetName, tuple[SynthesisVoice, ...]] = {
    "tune": (
        FliteVoice("slt"),
        EspeakVoice("en-US"),
        FliteVoice("kal16"),
        EspeakVoice("en-US+f3"),
        EspeakVoice("en-GB-scotland"),
    ),
    "held_out": (
        FliteVoice("rms"),
        EspeakVoice("en"),
        FliteVoice("awb"),
        EspeakVoice("en-US+m3"),
        EspeakVoice("en-GB-x-rp+f5"),
    ),
}
_CONDITIONS = {"clean": 0.35, "noise": 0.3, "telephone": 0.15, "room": 0.2}
_SNR = (8.0, 30.0)


@dataclass(frozen=True)
class Turn:
    """A turn, in samples: where its first phone begins and its last one ends."""

    text: str
    kind: str
    start: int
    end: int
    pauses: tuple[Pause, ...] = ()

    def silences(self, after: int) -> list[tuple[int, int, bool]]:
        """The pauses, and `after` samples behind the turn: start, end, and whether the turn has ended."""
        return [(pause.start, pause.end, False) for pause in self.pauses] + [(self.end, self.end + after, True)]


@dataclass(frozen=True)
class Conversation:
    """One side of a conversation: 16-bit audio, and what is known of it."""

    name: str
    voice: str
    condition: str
    turns: tuple[Turn, ...]
    pcm: npt.NDArray[np.int16] = field(repr=False)

    @property
    def seconds(self) -> float:
        """Of audio."""
        return len(self.pcm) / SAMPLE_RATE


def converse(part: SetName, index: int, count: int = TURNS) -> Conversation:
    """The conversation with that number, of `count` turns; always the same."""
    seed = _FIRST_SEED[part] + index
    rng = random.Random(seed)
    voice = _VOICES[part][index % len(_VOICES[part])]
    tape, source = Tape(), scripts(rng, part)
    turns: list[Turn] = []
    tape.rest(round(_LEAD_SECONDS * SAMPLE_RATE))
    while len(turns) < count:
        try:
            turns.append(_say(tape, next(source), voice, seed))
        except NoSuchBreak:
            continue
        tape.rest(round(rng.uniform(*GAP_SECONDS) * SAMPLE_RATE))
    tape.rest(round(TRAIL_SECONDS * SAMPLE_RATE))
    name, condition = _condition(rng)
    heard = acoustics.apply(np.concatenate(tape.pieces), condition, seed)
    pcm = np.round(np.clip(heard, -1, 1) * 32767).astype(np.int16)
    return Conversation(f"{part}-{index:04d}", voice.name, name, tuple(turns), pcm)


def _condition(rng: random.Random) -> tuple[str, acoustics.Acoustics]:
    name = rng.choices(list(_CONDITIONS), weights=list(_CONDITIONS.values()))[0]
    level, floor = rng.uniform(-32, -16), 10 ** rng.uniform(-4.6, -3.6)
    noise = rng.choice(("white", "pink", "brown")) if name == "noise" else None
    return name, acoustics.Acoustics(
        rt60=rng.uniform(0.15, 0.45) if name == "room" else 0.0,
        noise=noise,
        snr=rng.uniform(*_SNR),
        telephone=name == "telephone",
        level=level,
        floor=floor,
    )


def _say(tape: Tape, script: TurnScript, voice: SynthesisVoice, seed: int) -> Turn:
    """Says a turn; nothing is said when one of its breaks has no place."""
    spoken = [SpokenLine.of(line, voice, seed) for line in script.lines]
    pauses: list[Pause] = []
    start = end = 0
    for index, each in enumerate(spoken):
        if index:
            tape.rest(round(script.between[index - 1] * SAMPLE_RATE) - (tape.length - end) - each.start)
            pauses.append(Pause(end, tape.length + each.start, script.kind))
        start = start or tape.length + each.start
        pauses += each.record(tape)
        end = tape.length - len(each.audio) + each.end
    return Turn(script.text, script.kind, start, end, tuple(pauses))


# --- on disk ---------------------------------------------------------------------------------------------------------


def write(conversation: Conversation, folder: Path) -> Path:
    """Writes ``<name>.wav`` and ``<name>.json``, whose path it returns."""
    folder.mkdir(parents=True, exist_ok=True)
    with wave.open(str(folder / f"{conversation.name}.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(conversation.pcm.astype("<i2").tobytes())
    path = folder / f"{conversation.name}.json"
    labels = {"voice": conversation.voice, "condition": conversation.condition}
    path.write_text(json.dumps(labels | {"turns": [asdict(turn) for turn in conversation.turns]}, indent=1))
    return path


def read(path: Path) -> Conversation:
    """Reads what `write` wrote."""
    labels = json.loads(path.read_text())
    turns = tuple(
        Turn(**{**turn, "pauses": tuple(Pause(**pause) for pause in turn["pauses"])}) for turn in labels["turns"]
    )
    with wave.open(str(path.with_suffix(".wav"))) as sound:
        pcm = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    return Conversation(path.stem, labels["voice"], labels["condition"], turns, pcm)


def _make(job: tuple[SetName, int, Path]) -> Path:
    os.nice(5)
    part, index, folder = job
    path = folder / part / f"{part}-{index:04d}.json"
    return path if path.exists() else write(converse(part, index), path.parent)


def synthesise(folder: Path, part: SetName, count: int, processes: int = 2) -> Iterator[Path]:
    """The label files of a set's conversations; those that are there already are not made again.

    Each is made by a process of its own, as what espeak-ng says depends on what it has said before.
    """
    jobs = [(part, index, folder) for index in range(count)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with context.Pool(processes, maxtasksperchild=1) as pool:
        yield from pool.imap(_make, jobs)
