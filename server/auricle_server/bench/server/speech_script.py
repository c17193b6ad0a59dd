"""The script of one client: clips in random order, with a finalize after each. Does no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from auricle_server.bench.clips import PACKET_SAMPLES, SAMPLE_RATE, BenchClip

FINALIZE_AFTER = 0.2
"""Seconds from the last word to the finalize: the usual stop time of a voice activity detector."""


@dataclass(frozen=True, slots=True)
class ScriptedSpeech:
    """One clip of a stream; times in seconds of the stream's audio.

    Attributes:
        clip: Index of the clip.
        start: Start of its first packet.
        speech_start: Start of its first word.
        speech_end: End of its last word.
        first_packet: Number of its first packet in the stream.
        packets: Number of its packets; the last one is padded with silence.
        finalize_packet: Number of the packet after which the finalize is sent.
    """

    clip: int
    start: float
    speech_start: float
    speech_end: float
    first_packet: int
    packets: int
    finalize_packet: int


def script(clips: Sequence[BenchClip], seed: int, seconds: float) -> Iterator[ScriptedSpeech]:
    """Whole clips in the stream's own random order, until they last at least `seconds`."""
    rng, at = np.random.default_rng(seed), 0
    packet_seconds = PACKET_SAMPLES / SAMPLE_RATE
    while True:
        for index in rng.permutation(len(clips)).tolist():
            if at * packet_seconds >= seconds:
                return
            clip, start = clips[index], at * packet_seconds
            packets = -(-len(clip.pcm) // PACKET_SAMPLES)
            finalize_after = min(packets, round((clip.speech_end + FINALIZE_AFTER) / packet_seconds))
            yield ScriptedSpeech(
                clip=index,
                start=start,
                speech_start=start + clip.speech_start,
                speech_end=start + clip.speech_end,
                first_packet=at,
                packets=packets,
                finalize_packet=at + finalize_after - 1,
            )
            at += packets


def packets_of(clip: BenchClip) -> list[bytes]:
    """The clip's packets, 20 ms each."""
    whole = -(-len(clip.pcm) // PACKET_SAMPLES) * PACKET_SAMPLES
    padded = np.zeros(whole, np.int16)
    padded[: len(clip.pcm)] = clip.pcm
    return [padded[at : at + PACKET_SAMPLES].tobytes() for at in range(0, whole, PACKET_SAMPLES)]
