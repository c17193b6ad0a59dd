"""What is said: the turns of the bundled clips, and sentences that the demo model never saw in training."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np

from auricle_server.demo.programme import load_clips
from demo_model.audio.acoustics import Acoustics
from demo_model.audio.clips import CONVERSATION, QUIET
from demo_model.audio.utterances import UtterancePlan, compose
from demo_model.audio.voices import EspeakVoice, FliteVoice, SynthesisVoice
from demo_model.texts.sentences import generate

SAMPLE_RATE = 16_000
LEAD_SECONDS = 0.4
TRAIL_SECONDS = 1.8
"""Silence from the true end of speech on; a final that takes longer counts as none."""
_SPEECH_SECONDS = (2.0, 6.0)
_SEED = 4
_BYTES_PER_SECOND = 2 * SAMPLE_RATE
_VOICES: dict[str, tuple[SynthesisVoice, ...]] = {
    "espeak-ng": tuple(EspeakVoice(file) for file in ("en-US", "en", "en-US+f3", "en-GB-scotland", "en-US+m3")),
    "flite": tuple(FliteVoice(voice) for voice in ("slt", "rms", "awb", "kal16")),
}


@dataclass(frozen=True, slots=True)
class Utterance:
    """One thing that is said, with silence around it.

    Attributes:
        text: The words.
        voice: Whose.
        pcm: 16 kHz mono, little-endian signed 16 bit.
        speech_end: Seconds into it at which speech truly ends.
    """

    text: str
    voice: str
    pcm: bytes = field(repr=False)
    speech_end: float


def utterances(count: int) -> list[Utterance]:
    """Turns of the clips and sentences by the synthesisers that are installed, always the same ones.

    Without a synthesiser the clips' turns come again and again.
    """
    clips = _from_clips()
    missing = max(0, count - len(clips))
    said = [*clips, *islice(_synthesised(_installed()), missing)] if _installed() else clips
    random.Random(_SEED).shuffle(said)
    return list(islice(cycle(said), count))


def _installed() -> list[SynthesisVoice]:
    return [voice for program, voices in _VOICES.items() if shutil.which(program) for voice in voices]


def _from_clips() -> list[Utterance]:
    return [_framed(clip.text, clip.voice, clip.pcm, clip.speech_end) for clip in load_clips()]


def _synthesised(voices: Sequence[SynthesisVoice]) -> Iterator[Utterance]:
    rng = random.Random(_SEED)
    sentences = (sentence for sentence in generate(rng, held_out=True) if sentence.group in CONVERSATION)
    taken: set[str] = set()
    for voice in cycle(voices):
        while True:
            sentence = next(sentences)
            (rendered,) = voice.render([sentence.text], rng)
            seconds = len(rendered.audio) / SAMPLE_RATE
            if sentence.text not in taken and _SPEECH_SECONDS[0] <= seconds <= _SPEECH_SECONDS[1]:
                break
        taken.add(sentence.text)
        plan = UtterancePlan([sentence], LEAD_SECONDS, [], TRAIL_SECONDS)
        made = compose(plan, [rendered], voice.name, Acoustics(floor=QUIET), rng.getrandbits(32))
        samples = np.round(np.clip(made.audio, -1, 1) * 32767).astype("<i2")
        yield _framed(made.text, made.voice, samples.tobytes(), made.turns[-1].end)


def _framed(text: str, voice: str, pcm: bytes, speech_end: float) -> Utterance:
    """With exactly `TRAIL_SECONDS` of silence behind the speech."""
    size = round((speech_end + TRAIL_SECONDS) * SAMPLE_RATE) * 2
    return Utterance(text, voice, pcm[:size].ljust(size, b"\0"), speech_end)


def seconds(said: Sequence[Utterance]) -> float:
    """How long it takes to say it all."""
    return sum(len(each.pcm) for each in said) / _BYTES_PER_SECOND
