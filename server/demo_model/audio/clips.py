"""The demo's audio clips: held-out sentences, drawn by seed and not by how well they are recognised."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path

import soundfile

from demo_model.audio.acoustics import Acoustics
from demo_model.audio.utterances import SentenceTurn, TrainingUtterance, UtterancePlan, compose
from demo_model.audio.voices import SAMPLE_RATE, EspeakVoice, FliteVoice, SynthesisVoice
from demo_model.texts.sentences import Sentence, generate

SPEECH_SECONDS = (3.0, 7.0)
TRAIL_SECONDS = 1.8
TURN_GAP_SECONDS = 1.2
QUIET = 1e-4
CONVERSATION = ("bookings", "orders", "identity", "support", "commands", "questions", "small_talk", "health")

# Voice, condition, and the pauses between sentences: a short one lies within a turn, a long one ends it.
CAST: tuple[tuple[SynthesisVoice, Acoustics, tuple[float, ...]], ...] = (
    (FliteVoice("slt"), Acoustics(floor=QUIET), (0.6,)),
    (EspeakVoice("en-US"), Acoustics(floor=QUIET), (0.8,)),
    (FliteVoice("rms"), Acoustics(floor=QUIET, noise="pink", snr=18), (1.5,)),
    (EspeakVoice("en"), Acoustics(floor=QUIET, telephone=True), (0.7,)),
    (FliteVoice("kal16"), Acoustics(floor=QUIET, rt60=0.3), (0.5, 1.4)),
    (FliteVoice("awb"), Acoustics(floor=QUIET, telephone=True, noise="white", snr=25), (0.4,)),
    (EspeakVoice("en-US+f3"), Acoustics(floor=QUIET, noise="brown", snr=12), (1.6,)),
    (EspeakVoice("en-GB-scotland"), Acoustics(floor=QUIET), (0.3, 0.9)),
)


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


def make_clip(
    rng: random.Random, voice: SynthesisVoice, condition: Acoustics, pauses: tuple[float, ...], taken: set[str]
) -> TrainingUtterance:
    """Draw sentences until the speech without pauses lasts 3 to 7 seconds; add them to `taken`."""
    while True:
        sentences = conversation(rng, len(pauses) + 1, taken)
        rendered = voice.render([sentence.text for sentence in sentences], rng)
        seconds = sum(len(speech.audio) for speech in rendered) / SAMPLE_RATE
        if SPEECH_SECONDS[0] <= seconds <= SPEECH_SECONDS[1]:
            taken.update(sentence.text for sentence in sentences)
            plan = UtterancePlan(sentences, rng.uniform(0.3, 0.6), list(pauses), TRAIL_SECONDS)
            return compose(plan, rendered, voice.name, condition, rng.getrandbits(32))


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


def write(folder: Path, seed: int = 2026) -> None:
    """Write the clips as 16-bit WAV and ``manifest.json`` with what is said in them and when."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, manifest = random.Random(seed), []
    taken: set[str] = set()
    for number, (voice, condition, pauses) in enumerate(CAST, 1):
        clip = make_clip(rng, voice, condition, pauses, taken)
        name = f"clip_{number:02d}.wav"
        soundfile.write(folder / name, clip.audio, SAMPLE_RATE, subtype="PCM_16")
        manifest.append(
            {
                "file": name, "text": clip.text, "language": "en",
                "voice": clip.voice, "condition": describe(condition),
                "duration": round(len(clip.audio) / SAMPLE_RATE, 3), "speech_end": clip.turns[-1].end,
                "turns": [asdict(turn) for turn in speaker_turns(clip.turns)],
            }
        )  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
