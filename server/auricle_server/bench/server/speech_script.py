"""What one client says, and when: clips in random order, a finalize behind each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from auricle_server.bench.clips import SAMPLE_RATE, BenchClip
from auricle_server.bench.engine.audio_packets import PACKET_SAMPLES

FINALIZE_AFTER = 0.2
"""Seconds of silence after which a voice activity detector in its usual setting says that speech has ended."""


@dataclass(frozen=True, slots=True)
class ScriptedSpeech:
    """One clip of a stream; times in seconds of the stream's audio.

    Attributes:
        clip: Which one.
        start: Of its first packet.
        speech_start: Of its first word.
        speech_end: Of its last word.
        first_packet: Number of its first packet in the stream.
        packets: How many it takes; the last one is filled up with silence.
        finalize_packet: Number of the packet behind which its finalize goes.
    """

    clip: int
    start: float
    speech_start: float
    speech_end: float
    first_packet: int
    packets: int
    finalize_packet: int


def script(clips: Sequence[BenchClip], seed: int, seconds: float) -> Iterator[ScriptedSpeech]:
    """Whole clips in an order of the stream's own until at least so many seconds are spoken."""
    rng, at = np.random.default_rng(seed), 0
    packet_seconds = PACKET_SAMPLES / SAMPLE_RATE
    while True:
        for index in rng.permutation(len(clips)).tolist():
            if at * packet_seconds >= seconds:
                return
            clip, start = clips[index], at * packet_seconds
            packets = -(-len(clip.pcm) // PACKET_SAMPLES)
            behind = min(packets, round((clip.speech_end + FINALIZE_AFTER) / packet_seconds))
            yield ScriptedSpeech(
                clip=index,
                start=start,
                speech_start=start + clip.speech_start,
                speech_end=start + clip.speech_end,
                first_packet=at,
                packets=packets,
                finalize_packet=at + behind - 1,
            )
            at += packets


def packets_of(clip: BenchClip) -> list[bytes]:
    """The clip's packets, 20 ms each."""
    whole = -(-len(clip.pcm) // PACKET_SAMPLES) * PACKET_SAMPLES
    padded = np.zeros(whole, np.int16)
    padded[: len(clip.pcm)] = clip.pcm
    return [padded[at : at + PACKET_SAMPLES].tobytes() for at in range(0, whole, PACKET_SAMPLES)]
