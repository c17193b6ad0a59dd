"""What the server knew at every chunk of a conversation, recorded once so that a sweep of thresholds takes seconds.

Of the words: what the engine's transcript says, at each latency setting. Of the voice: Silero's probability for every
window, and Smart Turn's judgements on a grid that is finer than any schedule, for what was said since the turn began.
Each turn's context begins where the labels say that the turn before was over, not where some detector ended it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from auricle_server.engine.types import RowResult
from auricle_server.stream.transcript import Transcript
from auricle_server.turns import TurnEvidence, VoiceSignals
from auricle_server.voice.audio_analyzer import BEFORE_SPEECH, RECENT, SCHEDULE
from auricle_server.voice.end_of_turn_scores import SURE
from auricle_server.voice.models import find_models, load_models
from auricle_server.voice.silero import WINDOW, VoiceTrack
from auricle_server.voice.smart_turn import LONGEST
from auricle_server.voice.voice_activity import VoiceActivity
from demo_model.audio.voices import SAMPLE_RATE
from tests.bench.turns.conversations import Conversation, read

LATENCIES_MS = (80, 160, 560, 1120)
OVER = 2 * SAMPLE_RATE
"""Samples after a turn's true end at which the voice of the next turn may begin."""
GRID = tuple(sorted({*range(3, 40, 3), 48, 60, *SCHEDULE}))
"""Windows of silence after which Smart Turn's judgement is recorded: about every 100 ms, up to 1.9 s."""
_SLOTS = 16

Samples = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tokens:
    """What the engine found, a row for each chunk.

    Attributes:
        positions: Audio position on which the row rests.
        tokens: Their ids.
        frames: Encoder frame of each token's emission.
        probabilities: Of each token.
    """

    positions: list[int] = field(default_factory=list)
    tokens: list[list[int]] = field(default_factory=list)
    frames: list[list[int]] = field(default_factory=list)
    probabilities: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Sound:
    """What the sound says.

    Attributes:
        windows: Silero's probability of speech, one for each 512 samples, [W].
        places: Where Smart Turn judged, [J], rising.
        scores: Its probabilities that the turn is complete, [J].
    """

    windows: npt.NDArray[np.float32]
    places: Samples
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Trace:
    """A conversation's labels, and what the server knew: of the sound, and, by latency, of the words."""

    conversation: Conversation
    sound: Sound
    words: dict[int, tuple[TurnEvidence, ...]]
    _replayed: dict[tuple[int, tuple[int, ...]], list[TurnEvidence]] = field(default_factory=dict, repr=False)

    def heard(self, latency_ms: int, schedule: Sequence[int] = SCHEDULE) -> list[TurnEvidence]:
        """What a detector is fed, chunk by chunk.

        Args:
            latency_ms: Of the decoder.
            schedule: Windows of silence after which Smart Turn judges; of those in `GRID`.
        """
        wanted = latency_ms, tuple(schedule)
        if wanted not in self._replayed:
            words = self.words[latency_ms]
            voices = voice_at(self.sound, self.conversation, [each.position for each in words], schedule)
            self._replayed[wanted] = [replace(each, voice=voice) for each, voice in zip(words, voices, strict=True)]
        return self._replayed[wanted]


def listen(conversation: Conversation) -> Sound:
    """Runs both models over a conversation: about 0.1 s for a second of it."""
    models = load_models(find_models())
    assert models.smart_turn is not None, "both models ship together"
    pcm = conversation.pcm.astype("<i2")
    windows = np.asarray(VoiceTrack(models.silero).advance(pcm.tobytes()), np.float32)
    places, scores = [], []
    for ground in grounds(windows, conversation):
        if ground.silent_windows in GRID:
            assert ground.turn_start is not None, "only a turn with a voice falls silent"
            start = max(ground.floor, ground.turn_start - BEFORE_SPEECH, ground.seen - LONGEST)
            places.append(ground.seen)
            scores.append(models.smart_turn.judge(pcm[start : ground.seen].tobytes()))
    return Sound(windows, np.asarray(places, np.int64), np.asarray(scores, np.float32))


def grounds(windows: npt.NDArray[np.float32], conversation: Conversation) -> Iterator[VoiceActivity]:
    """What is known of the voice, window by window; the same object, that moves on."""
    ground, overs = VoiceActivity(0, 0), [turn.end + OVER for turn in conversation.turns]
    for probability in windows.tolist():
        while overs and overs[0] <= ground.seen:
            ground.end_turn(overs.pop(0))
        ground.step(probability)
        yield ground


def voice_at(
    sound: Sound, conversation: Conversation, positions: Sequence[int], schedule: Sequence[int]
) -> list[VoiceSignals]:
    """What `auricle_server.voice.audio_analyzer.Ears` would have said at these positions with that schedule."""
    allowed, since_at, judged_at = set(schedule), [], []
    scores = dict(zip(sound.places.tolist(), sound.scores.tolist(), strict=True))
    judged: int | None = None
    for ground in grounds(sound.windows, conversation):
        if ground.silent_since is None:
            judged = None
        elif ground.silent_windows in allowed and ground.seen in scores and (judged is None or scores[judged] < SURE):
            judged = ground.seen
        since_at.append(ground.silent_since)
        judged_at.append(judged)
    return [_voice(sound, position, since_at, judged_at, scores) for position in positions]


def _voice(
    sound: Sound,
    position: int,
    since_at: Sequence[int | None],
    judged_at: Sequence[int | None],
    scores: dict[int, float],
) -> VoiceSignals:
    known = min(position // WINDOW, len(sound.windows))
    first = min(max(0, (position - RECENT) // WINDOW), max(0, known - 1))
    speech = float(sound.windows[first:known].max(initial=0.0))
    since, judged = (since_at[known - 1], judged_at[known - 1]) if known else (None, None)
    return VoiceSignals(speech, since, None if judged is None else scores[judged], judged)


# --- the words -------------------------------------------------------------------------------------------------------


def transcribe(conversations: Sequence[Conversation], latency_ms: int) -> list[Tokens]:
    """Runs the demo model over many conversations, some at a time."""
    engine = Engine(load_checkpoint("demo"), slots=_SLOTS, device="cpu", threads=1)
    found = [Tokens() for _ in conversations]
    running: dict[int, Tokens] = {}
    waiting = iter(zip(conversations, found, strict=True))
    while _refill(engine, latency_ms, running, waiting) or running:
        for row in engine.step().rows():
            if row.ended:
                del running[row.lease.id]
            else:
                _note(running[row.lease.id], row)
    return found


def _refill(
    engine: Engine, latency_ms: int, running: dict[int, Tokens], waiting: Iterator[tuple[Conversation, Tokens]]
) -> bool:
    """Starts as many as there is room for; whether any was started."""
    started = False
    while len(running) < _SLOTS and (following := next(waiting, None)):
        conversation, tokens = following
        lease = engine.open(latency_ms, engine.info.default_language)
        engine.push(lease, conversation.pcm)
        engine.flush(lease, 1, last=True)
        running[lease.id] = tokens
        started = True
    return started


def _note(tokens: Tokens, row: RowResult) -> None:
    tokens.positions.append(row.samples)
    tokens.tokens.append(list(row.tokens))
    tokens.frames.append(list(row.frames))
    tokens.probabilities.append(list(row.probabilities))


def words_of(found: Tokens) -> tuple[TurnEvidence, ...]:
    """What the transcript says at each chunk; nothing of the voice."""
    pieces, frame_samples = _vocabulary()
    transcript, heard = Transcript(pieces, frame_samples), []
    rows = zip(found.positions, found.tokens, found.frames, found.probabilities, strict=True)
    for position, tokens, frames, probabilities in rows:
        transcript.add(tokens, frames, probabilities)
        heard.append(
            TurnEvidence(
                position,
                transcript.speech_end,
                closing=transcript.closing,
                closed_at=transcript.closed_at,
                utterance_ended=transcript.utterance_ended,
                last_word=transcript.last_word,
                confidence=transcript.confidence,
            )
        )
    return tuple(heard)


@cache
def _vocabulary() -> tuple[tuple[str, ...], int]:
    """Token strings by id, and the length of an encoder frame in samples."""
    checkpoint = load_checkpoint("demo")
    return checkpoint.pieces, round(checkpoint.config.frame_seconds * SAMPLE_RATE)


# --- on disk: <name>.npz for the sound, <name>.<latency>.tokens for the words, beside the labels ----------------------


def _listen(labels: Path) -> Path:
    os.nice(5)
    path = labels.with_suffix(".npz")
    if not path.exists():
        sound = listen(read(labels))
        np.savez(path, windows=sound.windows, places=sound.places, scores=sound.scores)
    return path


def trace(labels: Sequence[Path], processes: int = 2, latencies: Sequence[int] = LATENCIES_MS) -> None:
    """Records what is missing for the conversations with these label files."""
    for latency in latencies:
        missing = [path for path in labels if not _words_path(path, latency).exists()]
        if missing:
            found = transcribe([read(path) for path in missing], latency)
            for path, tokens in zip(missing, found, strict=True):
                _words_path(path, latency).write_text(json.dumps(vars(tokens)))
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(_listen, labels, chunksize=1)


def _words_path(labels: Path, latency_ms: int) -> Path:
    return labels.with_suffix(f".{latency_ms}.tokens")


def load(labels: Path, latencies: Sequence[int] = LATENCIES_MS) -> Trace:
    """Reads what `trace` recorded."""
    with np.load(labels.with_suffix(".npz")) as stored:
        sound = Sound(stored["windows"], stored["places"], stored["scores"])
    words = {latency: _read_words(_words_path(labels, latency)) for latency in latencies}
    return Trace(read(labels), sound, words)


def _read_words(path: Path) -> tuple[TurnEvidence, ...]:
    return words_of(Tokens(**json.loads(path.read_text())))


def load_set(folder: Path, part: str, latencies: Sequence[int] = LATENCIES_MS) -> list[Trace]:
    """All traces of a set."""
    return [load(path, latencies) for path in sorted((folder / part).glob("*.json"))]
