"""Audio of a user in a conversation: who speaks for about 40 % of the time, with pauses inside of turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auricle_server.bench.clips import SAMPLE_RATE, Pcm, load_clips

SPEAKING = 0.4
TURN_ENDS_AFTER = 0.5
"""Seconds behind its last word after which a turn ends, where no detector decides."""


@dataclass(frozen=True, slots=True)
class UserAudio:
    """What one user's microphone hears.

    Attributes:
        pcm: Samples at 16 kHz.
        ends: Positions at which turns end.
        speaking: Share of the time in which the user speaks.
    """

    pcm: Pcm
    ends: tuple[int, ...]
    speaking: float


def converse(seconds: float, seed: int) -> UserAudio:
    """Turns from the clips in a random order, a pause of 0.3 to 1 s inside of each; after it the agent speaks."""
    rng = np.random.default_rng(seed)
    clips = load_clips()
    parts, ends, length, spoken = list[Pcm](), list[int](), 0, 0
    while length < seconds * SAMPLE_RATE:
        clip = clips[int(rng.integers(len(clips)))]
        start, end = (round(edge * SAMPLE_RATE) for edge in clip.turns[int(rng.integers(len(clip.turns)))])
        turn, middle = clip.pcm[start:end], _quietest(clip.pcm[start:end])
        pause = _noise(rng, int(rng.integers(SAMPLE_RATE * 3 // 10, SAMPLE_RATE)))
        rest = _noise(rng, round(len(turn) * (1 / SPEAKING - 1)) - len(pause))
        parts += [turn[:middle], pause, turn[middle:], rest]
        ends.append(length + len(turn) + len(pause) + round(TURN_ENDS_AFTER * SAMPLE_RATE))
        length += len(turn) + len(pause) + len(rest)
        spoken += len(turn)
    return UserAudio(np.concatenate(parts), tuple(ends), spoken / length)


def _quietest(turn: Pcm) -> int:
    """Where a turn can be cut in two: the quietest 50 ms of its middle third."""
    step = SAMPLE_RATE // 20
    third = len(turn) // 3
    pieces = turn[third : third + third // step * step].astype(np.float64).reshape(-1, step)
    return third + int(np.argmin(np.square(pieces).sum(axis=1))) * step + step // 2


def _noise(rng: np.random.Generator, samples: int) -> Pcm:
    return rng.normal(0, 8, max(0, samples)).astype(np.int16)
