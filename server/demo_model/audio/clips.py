"""The demo's audio clips: held-out sentences, drawn by seed and not by how well they are recognised."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import soundfile

from demo_model.audio.acoustics import Acoustics
from demo_model.audio.utterances import SentenceTurn, TrainingUtterance, UtterancePlan, compose
from demo_model.audio.voices import SAMPLE_RATE, EspeakVoice, FliteVoice, SynthesisVoice
from demo_model.neural.hibari import HibariVoice
from demo_model.neural.kokoro import KokoroVoice
from demo_model.texts.sentences import Sentence, generate

SPEECH_SECONDS = (3.0, 7.0)
TRAIL_SECONDS = 1.8
TURN_GAP_SECONDS = 1.2
QUIET = 1e-4
CONVERSATION = ("bookings", "orders", "identity", "support", "commands", "questions", "small_talk", "health")


@dataclass(frozen=True)
class ClipPlan:
    """A clip: who speaks where, the pauses between the sentences, and what is said, unless that is drawn.

    A short pause lies within a turn, a long one ends it.
    """

    voice: SynthesisVoice
    condition: Acoustics
    pauses: tuple[float, ...]
    said: tuple[Sentence, ...] = ()


CLASSICAL_CAST = (
    ClipPlan(FliteVoice("slt"), Acoustics(floor=QUIET), (0.6,)),
    ClipPlan(EspeakVoice("en-US"), Acoustics(floor=QUIET), (0.8,)),
    ClipPlan(FliteVoice("rms"), Acoustics(floor=QUIET, noise="pink", snr=18), (1.5,)),
    ClipPlan(EspeakVoice("en"), Acoustics(floor=QUIET, telephone=True), (0.7,)),
    ClipPlan(FliteVoice("kal16"), Acoustics(floor=QUIET, rt60=0.3), (0.5, 1.4)),
    ClipPlan(FliteVoice("awb"), Acoustics(floor=QUIET, telephone=True, noise="white", snr=25), (0.4,)),
    ClipPlan(EspeakVoice("en-US+f3"), Acoustics(floor=QUIET, noise="brown", snr=12), (1.6,)),
    ClipPlan(EspeakVoice("en-GB-scotland"), Acoustics(floor=QUIET), (0.3, 0.9)),
)

BOOKING = (
    Sentence("Hello, I'd like to book a table for two on Sunday, please.", "bookings"),
    Sentence(
        "Let's say seven, if you have anything free, please.",
        "bookings",
        "Um, let's say seven, if you have anything free, please.",
    ),
    Sentence("Sure, the name is Anna Wilson, and one of us doesn't eat meat.", "bookings"),
    Sentence("Perfect, that was everything, many thanks, goodbye.", "bookings"),
)
"""The caller's side of a conversation: the agent answers in the pauses."""

NEURAL_CAST = (
    ClipPlan(KokoroVoice("af_kore"), Acoustics(floor=QUIET), (0.6,)),
    ClipPlan(KokoroVoice("bm_george"), Acoustics(floor=QUIET, telephone=True), (0.7,)),
    ClipPlan(
        KokoroVoice("bf_lily", "am_echo", 0.4), Acoustics(floor=QUIET, noise="pink", snr=18), (1.9, 2.4, 1.6), BOOKING
    ),
    ClipPlan(KokoroVoice("am_echo"), Acoustics(floor=QUIET, rt60=0.3), (0.5, 1.4)),
    ClipPlan(HibariVoice(0.66, 0.9, 0.88), Acoustics(floor=QUIET, noise="brown", snr=12), (1.6,)),
    ClipPlan(FliteVoice("slt"), Acoustics(floor=QUIET), (0.8,)),
    ClipPlan(KokoroVoice("bf_lily"), Acoustics(floor=QUIET, telephone=True, noise="white", snr=25), (0.4,)),
    ClipPlan(EspeakVoice("en-US"), Acoustics(floor=QUIET), (0.3, 0.9)),
)
"""Held-out speakers of Kokoro, a made one of hibari's voice, and classical synthesisers."""
CASTS = {"english": CLASSICAL_CAST, "neural": NEURAL_CAST}
"""By recipe."""


def describe(condition: Acoustics) -> str:
    """A few words on an acoustic condition."""
    parts = ["telephone"] if condition.telephone else []
    parts += [f"room, {condition.rt60:.1f} s reverberation"] if condition.rt60 else []
    parts += [f"{condition.noise} noise {condition.snr:.0f} dB below the speech"] if condition.noise else []
    return ", ".join(parts) or "clean"


def conversation(rng: random.Random, count: int, taken: set[str]) -> list[Sentence]:
    """Held-out sentences of conversational patterns, none of them `taken` by another clip."""
    source = (s for s in generate(rng, held_out=True) if s.group in CONVERSATION and s.text not in taken)
    return [next(source) for _ in range(count)]


def make_clip(rng: random.Random, plan: ClipPlan, taken: set[str]) -> TrainingUtterance:
    """Draw sentences until the speech without pauses lasts 3 to 7 seconds; add them to `taken`."""
    while True:
        sentences = list(plan.said) or conversation(rng, len(plan.pauses) + 1, taken)
        rendered = plan.voice.render([sentence.spoken for sentence in sentences], rng)
        seconds = sum(len(speech.audio) for speech in rendered) / SAMPLE_RATE
        if plan.said or SPEECH_SECONDS[0] <= seconds <= SPEECH_SECONDS[1]:
            taken.update(sentence.text for sentence in sentences)
            times = UtterancePlan(sentences, rng.uniform(0.3, 0.6), list(plan.pauses), TRAIL_SECONDS)
            return compose(times, rendered, plan.voice.name, plan.condition, rng.getrandbits(32))


def speaker_turns(turns: list[SentenceTurn]) -> list[SentenceTurn]:
    """Join sentences into turns: a pause of 1.2 s or more ends one."""
    joined = [turns[0]]
    for turn in turns[1:]:
        last = joined[-1]
        if turn.start - last.end < TURN_GAP_SECONDS:
            joined[-1] = SentenceTurn(f"{last.text} {turn.text}", last.start, turn.end)
        else:
            joined.append(turn)
    return joined


def write(folder: Path, cast: Sequence[ClipPlan], seed: int = 2026) -> None:
    """Write a cast's clips as 16-bit WAV and ``manifest.json`` with what is said in them and when."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, manifest = random.Random(seed), []
    taken: set[str] = set()
    for number, plan in enumerate(cast, 1):
        clip = make_clip(rng, plan, taken)
        name = f"clip_{number:02d}.wav"
        soundfile.write(folder / name, clip.audio, SAMPLE_RATE, subtype="PCM_16")
        manifest.append(
            {
                "file": name, "text": clip.text, "language": "en",
                "voice": clip.voice, "condition": describe(plan.condition),
                "duration": round(len(clip.audio) / SAMPLE_RATE, 3), "speech_end": clip.turns[-1].end,
                "turns": [asdict(turn) for turn in speaker_turns(clip.turns)],
            }
        )  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
