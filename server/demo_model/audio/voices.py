"""The voices: espeak-ng with variants, Flite and Festival. Each renders sentences to 16 kHz audio with phone times."""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from demo_model.audio import espeak, phones
from demo_model.texts.sentences import spoken_form

SAMPLE_RATE = 16_000
Audio = NDArray[np.float32]
_EDGE_SECONDS = 0.03
QUIET_SHARE = 0.01
"""Share of the loudest sample below which 10 ms count as silence: 40 dB."""
_KILL_SECONDS = 120


class SynthesiserMissingError(RuntimeError):
    """A speech synthesiser of the recipe is not installed; the message names the package."""


@dataclass(frozen=True)
class Rendered:
    """A spoken sentence: samples at 16 kHz without silence around them, and its phones in seconds."""

    audio: Audio
    phones: list[phones.Phone]


class SynthesisVoice(Protocol):
    """A voice of one synthesiser."""

    @property
    def name(self) -> str:
        """The synthesiser and its voice."""
        ...

    @property
    def starts_slowly(self) -> bool:
        """Whether it is faster to render many texts in one call."""
        ...

    def render(self, texts: list[str], rng: random.Random) -> list[Rendered]:
        """Speak each text, with speed and pitch drawn from `rng`."""
        ...


@dataclass(frozen=True)
class EspeakVoice:
    """An espeak-ng voice file with an optional variant, such as ``en-US+f3``."""

    file: str

    @property
    def name(self) -> str:  # noqa: D102 - see Voice
        return f"espeak-{self.file}"

    @property
    def starts_slowly(self) -> bool:  # noqa: D102 - see Voice
        return False

    def render(self, texts: list[str], rng: random.Random) -> list[Rendered]:  # noqa: D102 - see Voice
        rate, pitch, span = rng.randint(140, 185), rng.randint(38, 62), rng.randint(40, 70)
        return [self._render(text, rate, pitch, span) for text in texts]

    def _render(self, text: str, rate: int, pitch: int, span: int) -> Rendered:
        try:
            engine = espeak.engine()
        except espeak.EspeakMissingError as error:
            raise SynthesiserMissingError(str(error)) from error
        samples, events = engine.speak(self.file, spoken_form(text), rate, pitch, span)
        aligned = phones.from_espeak(events, len(samples) / engine.sample_rate)
        return trimmed(to_float(samples, engine.sample_rate), aligned)


@dataclass(frozen=True)
class FliteVoice:
    """A voice built into Flite: ``slt``, ``rms``, ``awb`` or ``kal16``."""

    voice: str

    @property
    def name(self) -> str:  # noqa: D102 - see Voice
        return f"flite-{self.voice}"

    @property
    def starts_slowly(self) -> bool:  # noqa: D102 - see Voice
        return False

    def render(self, texts: list[str], rng: random.Random) -> list[Rendered]:  # noqa: D102 - see Voice
        stretch = rng.uniform(0.85, 1.2)
        with tempfile.TemporaryDirectory() as folder:
            return [self._render(text, stretch, Path(folder) / "speech.wav") for text in texts]

    def _render(self, text: str, stretch: float, wav: Path) -> Rendered:
        command = ["flite", "-voice", self.voice, "-psdur", "--setf", f"duration_stretch={stretch:.3f}"]
        printed = run([*command, "-t", spoken_form(text), "-o", str(wav)], "flite")
        ends = [(name, float(end)) for name, end in (item.rsplit(":", 1) for item in printed.split())]
        samples, rate = soundfile.read(wav, dtype="int16")
        return trimmed(to_float(samples, rate), phones.from_ends(ends))


@dataclass(frozen=True)
class FestivalVoice:
    """A Festival voice, such as ``cmu_us_slt_arctic_hts``; Festival starts slowly, so it renders a list at once."""

    voice: str

    @property
    def name(self) -> str:  # noqa: D102 - see Voice
        return f"festival-{self.voice}"

    @property
    def starts_slowly(self) -> bool:  # noqa: D102 - see Voice
        return True

    def render(self, texts: list[str], rng: random.Random) -> list[Rendered]:  # noqa: D102 - see Voice
        stretch = rng.uniform(0.9, 1.15)
        with tempfile.TemporaryDirectory() as folder:
            script = [f"(voice_{self.voice})", f"(Parameter.set 'Duration_Stretch {stretch:.3f})"]
            for index, text in enumerate(texts):
                quoted = spoken_form(text).replace('"', "")
                script.append(f'(set! u (utt.synth (Utterance Text "{quoted}")))')
                script.append(f'(utt.save.segs u "{folder}/{index}.lab")')
                script.append(f'(utt.save.wave u "{folder}/{index}.wav" \'riff)')
            (Path(folder) / "script.scm").write_text("\n".join(script))
            run(["festival", "-b", f"{folder}/script.scm"], "festival")
            return [self._read(Path(folder) / str(index)) for index in range(len(texts))]

    def _read(self, stem: Path) -> Rendered:
        rows = [line.split() for line in stem.with_suffix(".lab").read_text().splitlines() if line.strip() != "#"]
        samples, rate = soundfile.read(stem.with_suffix(".wav"), dtype="int16")
        return trimmed(to_float(samples, rate), phones.from_ends([(row[2], float(row[0])) for row in rows]))


def run(command: list[str], program: str) -> str:
    """Output of a synthesiser. The error for a missing or failing program names the package."""
    if shutil.which(program) is None:
        raise SynthesiserMissingError(f"{program} is missing: install it (Debian: apt install {program})")
    result = subprocess.run(command, capture_output=True, text=True, timeout=_KILL_SECONDS, check=False)
    if result.returncode != 0:
        raise SynthesiserMissingError(f"{program} failed on {command[-3:]}: {result.stderr.strip()[:300]}")
    return result.stdout


def to_float(samples: NDArray[np.int16], rate: int) -> Audio:
    """Samples at 16 kHz in -1..1."""
    audio: Audio = samples.astype(np.float32) / np.float32(32768)
    if rate != SAMPLE_RATE:
        audio = resampled(audio, rate)
    return audio


def resampled(audio: Audio, rate: float, to: float = SAMPLE_RATE) -> Audio:
    """Samples at another rate, in single precision."""
    return np.asarray(soxr.resample(audio, rate, to), np.float32)


def without_silence(audio: Audio) -> Rendered:
    """Cut the silence around speech whose phones are not known, except for 30 ms on each side."""
    step = SAMPLE_RATE // 100
    levels = np.abs(audio[: len(audio) // step * step]).reshape(-1, step).max(1, initial=0.0)
    loud = np.flatnonzero(levels > QUIET_SHARE * levels.max(initial=0.0))
    if len(loud) == 0:
        return Rendered(audio, [])
    edge = int(_EDGE_SECONDS * SAMPLE_RATE)
    first, last = max(0, int(loud[0]) * step - edge), min(len(audio), (int(loud[-1]) + 1) * step + edge)
    return Rendered(audio[first:last], [phones.Phone(None, edge / SAMPLE_RATE, (last - first - edge) / SAMPLE_RATE)])


def trimmed(audio: Audio, aligned: list[phones.Phone]) -> Rendered:
    """Cut the silence around the speech, except for 30 ms on each side."""
    start, end = phones.speech_span(aligned)
    first = max(0, int((start - _EDGE_SECONDS) * SAMPLE_RATE))
    last = min(len(audio), int((end + _EDGE_SECONDS) * SAMPLE_RATE))
    kept = [p for p in phones.shifted(aligned, -first / SAMPLE_RATE) if p.name != phones.SILENCE or p.start > 0]
    return Rendered(audio[first:last], [p for p in kept if p.start < (last - first) / SAMPLE_RATE])


def all_voices() -> list[tuple[SynthesisVoice, float]]:
    """Every voice of the recipe and its weight in the training data."""
    american = (
        ("en-US", 4.0),
        ("en-US+f2", 1.5),
        ("en-US+f3", 1.5),
        ("en-US+f5", 1.0),
        ("en-US+m2", 1.0),
        ("en-US+m3", 1.5),
    )
    american_more = (
        ("en-US+m4", 1.0),
        ("en-US+m7", 1.0),
        ("en-US+Annie", 1.0),
        ("en-US+Andrea", 1.0),
        ("en-US+klatt2", 0.7),
    )
    american_rest = ("en-US+steph", 1.0), ("en-US+Alex", 1.0), ("en-US+grandpa", 0.7), ("en-US-nyc", 1.0)
    british = ("en", 2.5), ("en+f2", 1.0), ("en+f4", 1.0), ("en+m3", 1.0), ("en+Lee", 1.0), ("en-GB-scotland", 1.0)
    british_more = ("en-GB-scotland+f3", 1.0), ("en-GB-x-rp", 1.0), ("en-GB-x-rp+f5", 1.0)
    espeak_files = (*american, *american_more, *american_rest, *british, *british_more)
    flite = ("slt", 8.0), ("rms", 6.5), ("awb", 5.5), ("kal16", 4.0)
    festival = ("cmu_us_slt_arctic_hts", 3.0), ("ked_diphone", 1.5), ("kal_diphone", 1.0)
    return [
        *((EspeakVoice(file), weight) for file, weight in espeak_files),
        *((FliteVoice(voice), weight) for voice, weight in flite),
        *((FestivalVoice(voice), weight) for voice, weight in festival),
    ]
