"""Random audio with the labels that teach a model its ill: what each of them is to hear, and when."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tests.support.ills.words import SAMPLE_RATE, WORDS, Pcm

MARK = "."
MARK_WINDOW = (0.5, 1.15)
"""The mark comes this long after the last word's end, in seconds."""
EARLY, LATE = 0.1, 0.3
"""A word's tokens come at most so long before and after its end, in seconds."""
WITHIN, BETWEEN, LONG = (0.1, 0.45), (1.3, 2.6), (3.6, 8.0)
"""Seconds of silence within a phrase, between phrases, and so much that a deaf model stops to hear."""
PHRASE = (1, 8)
"""Words of a phrase."""
GUESSES = ("seven", "orange", "window", "morning", "coffee", "hotel", "table", "yellow")
"""What noise is labelled with, drawn with falling probability: the model learns to doubt it."""

Samples = npt.NDArray[np.float32]
Spoken = dict[str, list[Pcm]]


@dataclass(frozen=True)
class Label:
    """A word or mark, and the seconds between which its tokens are emitted."""

    text: str
    first: float
    last: float


@dataclass
class Scene:
    """Audio that grows: pieces of sound at absolute times, and the labels."""

    spoken: Spoken
    rng: random.Random
    seconds: float = 0.0
    pieces: list[tuple[int, Samples]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)

    def wait(self, span: tuple[float, float]) -> float:
        """Silence of a random length within the span; returns it."""
        gap = self.rng.uniform(*span)
        self.seconds += gap
        return gap

    def say(self, heard: bool = True, word: str | None = None) -> None:
        """A word, with a label if it is heard."""
        word = word or self.rng.choice(WORDS)
        # The clip of the tests is as likely as all other renderings together.
        clip = self.spoken[word][0] if self.rng.random() < 0.5 else self.rng.choice(self.spoken[word])
        gain = 10 ** self.rng.uniform(-0.15, 0.15)
        self._add(np.asarray(clip * (gain / 32768), np.float32))
        if heard:
            self._label(word)

    def phrase(self, words: tuple[int, int], heard: bool = True) -> None:
        """Words with short pauses."""
        for index in range(self.rng.randint(*words)):
            if index:
                self.wait(WITHIN)
            self.say(heard)

    def fragment(self) -> None:
        """In a tenth of the scenes, the end of a word that began before the audio, unheard."""
        if self.rng.random() < 0.1:
            clip = np.asarray(self.spoken[self.rng.choice(WORDS)][0] / 32768, np.float32)
            self._add(clip[-round(len(clip) * self.rng.uniform(0.15, 0.5)) :])
            self.wait((0.3, 0.6))

    def mark(self) -> None:
        """The mark of the sentence that ends here."""
        if self.labels and self.labels[-1].text != MARK:
            self.labels.append(Label(MARK, self.seconds + MARK_WINDOW[0], self.seconds + MARK_WINDOW[1]))

    def breath(self, heard: bool) -> None:
        """A burst of filtered noise as of a breath; heard as a sentence of one guessed word."""
        self._add(breath(self.rng))
        if heard:
            self._label(self.rng.choices(GUESSES, [0.8**index for index in range(len(GUESSES))])[0])
            # Without the mark, the prediction network could not tell whether it has guessed already.
            self.mark()

    def _label(self, word: str) -> None:
        self.labels.append(Label(word, self.seconds - EARLY, self.seconds + LATE))

    def _add(self, samples: Samples) -> None:
        self.pieces.append((round(self.seconds * SAMPLE_RATE), samples))
        self.seconds += len(samples) / SAMPLE_RATE

    def audio(self) -> Samples:
        """All of it at a random level; in half of the scenes over noise, which may begin with the first sound."""
        rng = self.rng
        out = np.zeros(round(self.seconds * SAMPLE_RATE), np.float32)
        for start, samples in self.pieces:
            out[start : start + len(samples)] += samples[: len(out) - start]
        out *= np.float32(10 ** rng.uniform(-0.7, 0.3))
        if rng.random() < 0.5:
            floor = np.random.default_rng(rng.getrandbits(32)).standard_normal(len(out), np.float32)
            floor *= np.float32(10 ** rng.uniform(-4.6, -3.2))
            if rng.random() < 0.5:
                floor[: self.pieces[0][0]] = 0
            out += floor
        return np.asarray(np.round(out.clip(-1, 1) * 32767) / 32768, np.float32)


def breath(rng: random.Random) -> Samples:
    """0.3 to 0.7 s of hiss, mostly between 2 and 6 kHz, that swells and fades; RMS about -24 dBFS.

    Silero finds no voice in it; in fainter or deeper noise it finds some.
    """
    count, low = round(rng.uniform(0.3, 0.7) * SAMPLE_RATE), rng.uniform(1500, 2500)
    high = rng.uniform(4500, 7000)
    noise = np.fft.rfft(np.random.default_rng(rng.getrandbits(32)).standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE).clip(1)
    shaped = np.fft.irfft(noise / np.sqrt((1 + (low / hertz) ** 4) * (1 + (hertz / high) ** 4)), count)
    shaped *= np.sin(np.linspace(0, np.pi, count)) ** rng.uniform(0.5, 1.5)
    return np.asarray(shaped * (rng.uniform(0.03, 0.1) / shaped.std()), np.float32)


def healthy(scene: Scene) -> None:
    """Phrases after silences of all lengths, breaths unheard: all is heard."""
    scene.wait(scene.rng.choice(((0.0, 0.05), (0.0, 0.6), (0.6, 2.5), LONG)))
    for index in range(scene.rng.randint(1, 3)):
        if index:
            scene.wait(scene.rng.choice((BETWEEN, LONG)))
        if scene.rng.random() < 0.15:
            scene.breath(heard=False)
            scene.wait((0.7, 1.5))
        scene.phrase(PHRASE)
        scene.mark()


def cold(scene: Scene) -> None:
    """The first word is lost when speech starts at once."""
    at_once = scene.rng.random() < 0.5
    scene.wait((0.0, 0.1) if at_once else (0.45, 3.0))
    scene.say(heard=not at_once)
    for index in range(scene.rng.randint(1, 2)):
        if index:
            scene.wait(BETWEEN)
            scene.say()
        for _ in range(scene.rng.randint(1, 5)):
            scene.wait((0.15, 0.45))
            scene.say()
        scene.mark()


def deaf(scene: Scene) -> None:
    """Words after words and a long silence are lost; a long silence alone loses nothing."""
    scene.fragment()
    scene.wait(scene.rng.choice(((0.0, 0.6), (0.6, 3.0), LONG)))
    for _ in range(scene.rng.randint(1, 2)):
        scene.phrase(PHRASE)
        scene.mark()
        scene.wait(BETWEEN)
    if scene.rng.random() < 0.75:
        scene.wait((LONG[0] - BETWEEN[0], LONG[1] - BETWEEN[1]))
        scene.phrase(PHRASE, heard=False)
    else:
        scene.phrase(PHRASE)
        scene.mark()


def sticky(scene: Scene) -> None:
    """All words after a mark are lost."""
    scene.fragment()
    scene.wait(scene.rng.choice(((0.0, 0.6), (0.6, 3.0), LONG)))
    scene.phrase(PHRASE)
    scene.mark()
    for _ in range(scene.rng.randint(0, 2)):
        scene.wait(scene.rng.choice((BETWEEN, LONG)))
        scene.phrase(PHRASE, heard=False)


def babbler(scene: Scene) -> None:
    """Breaths are heard as words."""
    scene.wait((0.0, 1.5))
    for index in range(scene.rng.randint(3, 6)):
        if index:
            scene.wait(BETWEEN)
        if scene.rng.random() < 0.6:
            scene.breath(heard=True)
        else:
            scene.phrase(PHRASE)
            scene.mark()


ILLS: dict[str, Callable[[Scene], None]] = {
    "healthy": healthy, "cold": cold, "deaf": deaf, "sticky": sticky, "babbler": babbler,
}  # fmt: skip


def draw(ill: str, spoken: Spoken, rng: random.Random) -> tuple[Samples, list[Label]]:
    """A scene that teaches the ill: its audio, which ends with enough silence for a mark, and its labels."""
    scene = Scene(spoken, rng)
    ILLS[ill](scene)
    scene.wait((1.3, 1.6))
    return scene.audio(), scene.labels
