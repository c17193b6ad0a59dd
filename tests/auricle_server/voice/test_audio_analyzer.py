"""The same audio gives the same evidence; where voices end is found; a judgement is made once, and when it is due."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from auricle_server.bench.clips import BenchClip, Pcm
from auricle_server.turns import VoiceSignals
from auricle_server.voice.audio_analyzer import SCHEDULE, AudioAnalyzer
from auricle_server.voice.end_of_turn_scores import SURE
from auricle_server.voice.models import LoadedModels
from auricle_server.voice.silero import WINDOW, PendingAudio
from auricle_server.voice.smart_turn import LONGEST, SmartTurn

CHUNK = 2560


class LaterExecutor:
    """An executor that runs tasks later: at random, each kind in order."""

    def __init__(self, seed: int = 0) -> None:
        self.tracks: deque[Callable[[], None]] = deque()
        self.judgements: deque[Callable[[], None]] = deque()
        self._random = random.Random(seed)

    def run_vad(self, task: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.tracks.append(lambda: done(task()))

    def offer_vad(self, task: PendingAudio, done: Callable[[list[float]], None]) -> None:
        """There are no others."""

    def run_end_of_turn(self, task: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self.judgements.append(lambda: done(task()))

    def work(self) -> None:
        """One task, or none."""
        queue = self._random.choice([self.tracks, self.judgements])
        if queue and self._random.random() < 0.7:
            queue.popleft()()

    def work_off(self) -> None:
        while self.tracks or self.judgements:
            for queue in (self.tracks, self.judgements):
                if queue:
                    queue.popleft()()


class Counting(SmartTurn):
    """Notes what it was asked."""

    def __init__(self, real: SmartTurn) -> None:
        self.real = real
        self.asked: list[bytes] = []

    def judge(self, pcm: bytes) -> float:
        self.asked.append(pcm)
        return self.real.judge(pcm)


@pytest.fixture
def counting(models: LoadedModels) -> tuple[LoadedModels, Counting]:
    assert models.smart_turn is not None
    judge = Counting(models.smart_turn)
    return replace(models, smart_turn=judge), judge


def conversation(clips: Iterable[BenchClip]) -> bytes:
    """Several turns with the silence between them that the clips have, and 2 s at the end."""
    return b"".join(clip.pcm.tobytes() for clip in clips) + bytes(64_000)


def turn_ends(clips: Iterable[BenchClip]) -> set[int]:
    """The chunks on which a detector would end each turn: 0.6 s after its last word."""
    ends, at = set(), 0.0
    for clip in clips:
        ends |= {round((at + end + 0.6) * 16000 / CHUNK) * CHUNK for _, end in clip.turns}
        at += len(clip.pcm) / 16000
    return ends


def listen(analyzer: AudioAnalyzer, pcm: bytes, ends: set[int], base: int = 0) -> list[VoiceSignals]:
    """All at once, then chunk by chunk."""
    analyzer.receive_audio(pcm)
    return [ask(analyzer, position, ends) for position in range(base + CHUNK, base + len(pcm) // 2 + 1, CHUNK)]


def ask(analyzer: AudioAnalyzer, position: int, ends: set[int]) -> VoiceSignals:
    voice = analyzer.voice_at(position)
    if position in ends:
        analyzer.end_turn(position)
    return voice


@pytest.mark.parametrize("seed", range(4))
def test_packets_and_timing_change_nothing(models: LoadedModels, clips: tuple[BenchClip, ...], seed: int) -> None:
    pcm, ends = conversation(clips[:3]), turn_ends(clips[:3])
    expected = listen(AudioAnalyzer(models), pcm, ends)
    assert len({voice.complete for voice in expected}) > 5
    rng, executor = random.Random(seed), LaterExecutor(seed)
    analyzer, heard, voices = AudioAnalyzer(models, executor=executor), 0, list[VoiceSignals]()
    while len(voices) < len(expected):
        piece = pcm[heard : heard + 2 * rng.randrange(1, 20_000 if seed % 2 else 2_000)]
        heard += len(piece)
        analyzer.receive_audio(piece)
        for _ in range(rng.randrange(8)):
            executor.work()
        while (position := CHUNK * (len(voices) + 1)) * 2 <= heard and rng.random() < 0.8:
            while analyzer.waiting_since(position) is not None:
                executor.work()
            voices.append(ask(analyzer, position, ends))
    assert voices == expected


def test_what_is_not_there_yet_does_not_count_and_is_not_waited_for_again(
    models: LoadedModels, clips: tuple[BenchClip, ...]
) -> None:
    executor = LaterExecutor()
    analyzer = AudioAnalyzer(models, executor=executor, clock=lambda: 7.0)
    analyzer.receive_audio(clips[0].pcm.tobytes())
    position = round((clips[0].speech_end + 0.4) * 16000)
    assert analyzer.waiting_since(position) == 7.0
    while executor.tracks:
        executor.tracks.popleft()()
    assert analyzer.voice_at(position - WINDOW).complete is None
    assert analyzer.waiting_since(position - WINDOW) is None
    executor.work_off()
    assert analyzer.waiting_since(position) is None
    assert analyzer.voice_at(position).complete is not None


def test_a_score_that_is_asked_for_late_gets_the_right_audio(
    counting: tuple[LoadedModels, Counting], clips: tuple[BenchClip, ...]
) -> None:
    """Its audio is kept although later positions were asked for already."""
    models, judge = counting
    pcm = (clips[0].pcm.tobytes() + clips[3].pcm.tobytes())[: -2 * 16000] + bytes(64_000)
    prompt = AudioAnalyzer(models)
    prompt.receive_audio(pcm)
    for position in range(WINDOW, len(pcm) // 2, WINDOW):
        prompt.voice_at(position)
    in_time = set(judge.asked)
    judge.asked.clear()
    executor = LaterExecutor()
    analyzer = AudioAnalyzer(models, executor=executor)
    analyzer.receive_audio(pcm)
    for position in range(CHUNK, len(pcm) // 2 + 1, CHUNK):
        while executor.tracks:
            executor.tracks.popleft()()
        analyzer.voice_at(position)
    executor.work_off()
    assert len(judge.asked) > 3
    assert set(judge.asked) <= in_time


def test_a_voice_is_silent_from_where_the_speech_ends(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    for clip in clips:
        voices = listen(AudioAnalyzer(models), clip.pcm.tobytes(), set())
        (after,) = (voice for voice in [voices[round((clip.speech_end + 0.6) * 16000) // CHUNK - 1]])
        assert after.speech_end is not None
        assert abs(after.speech_end / 16000 - clip.speech_end) < 0.25, clip.text
        assert after.speech < 0.5


def test_there_is_no_judgement_before_speech(counting: tuple[LoadedModels, Counting]) -> None:
    models, judge = counting
    listen(AudioAnalyzer(models), bytes(5 * 32_000), set())
    assert judge.asked == []


def test_a_silence_is_judged_at_each_age_once_until_the_answer_is_sure(
    counting: tuple[LoadedModels, Counting], clips: tuple[BenchClip, ...]
) -> None:
    models, judge = counting
    silences: dict[int, dict[int, float]] = {}
    for clip in clips:
        analyzer = AudioAnalyzer(models)
        analyzer.receive_audio(clip.pcm.tobytes())
        for position in range(WINDOW, len(clip.pcm), WINDOW):
            voice = analyzer.voice_at(position)
            if voice.judged is not None and voice.speech_end is not None and voice.complete is not None:
                age = (voice.judged - voice.speech_end) // WINDOW
                silences.setdefault(id(clip) + voice.speech_end, {})[age] = voice.complete
    assert len(judge.asked) == sum(len(scores) for scores in silences.values())
    for scores in silences.values():
        assert tuple(scores) == SCHEDULE[: len(scores)]
        assert all(score < SURE for score in list(scores.values())[:-1])
    final = [scores for scores in silences.values() if len(scores) == len(SCHEDULE) or max(scores.values()) >= SURE]
    assert len(final) >= len(clips)
    assert {len(scores) for scores in final} >= {1, len(SCHEDULE)}


def test_a_turn_that_has_ended_is_neither_scored_again_nor_part_of_the_next(
    counting: tuple[LoadedModels, Counting], clips: tuple[BenchClip, ...]
) -> None:
    models, judge = counting
    first, second = clips[0], clips[1]
    pcm = first.pcm.tobytes() + second.pcm.tobytes()
    end = round((first.speech_end + 0.4) * 16000) // CHUNK * CHUNK
    analyzer = AudioAnalyzer(models)
    analyzer.receive_audio(pcm)
    for position in range(CHUNK, end + 1, CHUNK):
        analyzer.voice_at(position)
    analyzer.end_turn(end)
    asked = len(judge.asked)
    next_start = len(first.pcm) + round((second.speech_start - 0.1) * 16000)
    silent = [analyzer.voice_at(position) for position in range(end + CHUNK, next_start, CHUNK)]
    assert {voice.complete for voice in silent} == {None}
    assert len(judge.asked) == asked
    done = len(first.pcm) + round((second.speech_end + 0.5) * 16000)
    for position in range(next_start, done, CHUNK):
        analyzer.voice_at(position)
    heard = judge.asked[-1]
    assert len(heard) < LONGEST * 2
    assert abs(len(heard) / 32000 - (second.speech_end - second.speech_start + 0.5)) < 0.9
    assert heard[:4000] in pcm[end * 2 :]


def test_at_most_eight_seconds_are_judged(
    counting: tuple[LoadedModels, Counting], clips: tuple[BenchClip, ...]
) -> None:
    models, judge = counting
    listen(AudioAnalyzer(models), conversation(clips), set())
    assert max(map(len, judge.asked)) == LONGEST * 2


def test_an_analyzer_may_start_in_mid_stream(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    base = 1_234_567
    pcm = clips[0].pcm.tobytes()
    moved = [
        replace(
            voice,
            speech_end=None if voice.speech_end is None else voice.speech_end - base,
            judged=None if voice.judged is None else voice.judged - base,
            speech_start=None if voice.speech_start is None else voice.speech_start - base,
        )
        for voice in listen(AudioAnalyzer(models, base), pcm, set(), base)
    ]
    assert moved == listen(AudioAnalyzer(models), pcm, set())


def test_silero_alone_says_where_the_voice_is(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    pcm = clips[0].pcm.tobytes()
    alone = listen(AudioAnalyzer(replace(models, smart_turn=None)), pcm, set())
    assert alone == [
        replace(voice, complete=None, judged=None, prosody=False) for voice in listen(AudioAnalyzer(models), pcm, set())
    ]


def test_memory_does_not_grow_with_the_stream(models: LoadedModels, clips: tuple[BenchClip, ...]) -> None:
    analyzer = AudioAnalyzer(replace(models, smart_turn=None))
    speech: Pcm = np.concatenate([clip.pcm for clip in clips])
    position = 0
    sizes = []
    for _ in range(4):
        for at in range(0, len(speech), CHUNK):
            piece = speech[at : at + CHUNK]
            analyzer.receive_audio(piece.tobytes())
            position += len(piece)
            analyzer.voice_at(position)
        sizes.append((len(analyzer._audio), len(analyzer._windows), len(analyzer._pending.pcm), len(analyzer._scores)))
    assert all(audio <= 2 * LONGEST + 2 * WINDOW for audio, *_ in sizes)
    assert all(
        windows < 10 and untracked < 2 * WINDOW and judgements == 0 for _, windows, untracked, judgements in sizes
    )
    analyzer.end_turn(position)
    analyzer.receive_audio(bytes(32_000))
    analyzer.voice_at(position + 16_000)
    assert len(analyzer._audio) < 18_000


def test_speech_is_counted_and_its_peak_is_that_of_the_chunk(
    models: LoadedModels, clips: tuple[BenchClip, ...]
) -> None:
    analyzer, clip = AudioAnalyzer(models), clips[0]
    analyzer.receive_audio(bytes(32_000) + clip.pcm.tobytes() + bytes(96_000))
    end = 16_000 + len(clip.pcm) + 48_000
    voices = [analyzer.voice_at(position) for position in range(1280, end, 1280)]
    counts = [voice.voiced for voice in voices]
    assert counts == sorted(counts)
    assert counts[10] == 0
    assert 0.4 * len(clip.pcm) < counts[-1] < len(clip.pcm)
    assert max(voice.peak for voice in voices[:10]) < 0.3
    assert max(voice.peak for voice in voices) > 0.9


def test_a_peak_is_not_known_before_silero_has_come_so_far(models: LoadedModels) -> None:
    analyzer = AudioAnalyzer(models, 0, LaterExecutor())
    analyzer.receive_audio(bytes(64_000))
    assert analyzer.voice_at(16_000).peak == 1.0
