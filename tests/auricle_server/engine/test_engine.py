"""The engine on the two-tone checkpoint, without NeMo: streaming equals alone, batched equals alone, slots forget."""

from __future__ import annotations

import numpy as np
import pytest

from auricle_server.audio_batch import AudioBatch
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine import Engine, Lease, LeaseEnded, NoSlot, RowResult, UnknownLanguage, UnknownLatency
from tests.support import tones
from tests.support.feeding import Feeder

LATENCIES = (80, 160, 560, 1120)


def text_of(engine: Engine, tokens: list[int]) -> str:
    return "".join(engine.info.pieces[token] for token in tokens).replace("\u2581", " ").strip()


def drain(engine: Engine) -> list[RowResult]:
    results = []
    while engine.ready:
        results += engine.step().rows()
    return results


def transcribe(engine: Engine, audio: tones.Pcm, latency_ms: int) -> str:
    lease = engine.open(latency_ms, "en-US")
    engine.push(lease, audio)
    engine.flush(lease, 1, last=True)
    return text_of(engine, [token for result in drain(engine) for token in result.tokens])


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_words_are_heard_at_every_latency(engine: Engine, latency_ms: int) -> None:
    audio, text = tones.utterance(11, 8)
    assert transcribe(engine, audio, latency_ms) == text


def test_any_pieces_and_any_batch_give_the_same_tokens_and_frames(engine: Engine) -> None:
    jobs = {job: tones.utterance(job, 5)[0] for job in range(12)}
    alone = {job: Feeder(engine, seed=job).run({job: audio}, 160, "en-US", 1)[job] for job, audio in jobs.items()}
    together = Feeder(engine, seed=99).run(jobs, 160, "en-US", at_once=6)
    for job in jobs:
        assert (together[job].tokens, together[job].frames) == (alone[job].tokens, alone[job].frames)


def test_a_reused_slot_has_forgotten_its_predecessor(checkpoint: Checkpoint) -> None:
    engine = Engine(checkpoint, slots=1, device="cpu")
    audio, text = tones.utterance(3, 4)
    for noise in range(5):
        assert transcribe(engine, tones.utterance(100 + noise, 3)[0], 80)
        abandoned = engine.open(1120, "en-US")
        engine.push(abandoned, audio[:9000])
        engine.close(abandoned)
        assert transcribe(engine, audio, 80) == text


def test_latencies_share_one_pool(engine: Engine) -> None:
    spoken = [tones.utterance(20 + index, 4) for index in range(4)]
    leases: dict[int, tuple[Lease, str]] = {}
    tokens: dict[int, list[int]] = {}
    for latency_ms, (audio, text) in zip(LATENCIES, spoken, strict=True):
        lease = engine.open(latency_ms, "en-US")
        leases[lease.id], tokens[lease.id] = (lease, text), []
        engine.push(lease, audio)
        engine.flush(lease, 1, last=True)
    for result in drain(engine):
        tokens[result.lease.id] += result.tokens
    assert [text_of(engine, tokens[key]) for key in leases] == [text for _, text in leases.values()]


def test_latency_changes_in_the_middle_of_speech(engine: Engine) -> None:
    audio, text = tones.utterance(31, 12)
    lease = engine.open(1120, "en-US")
    half = len(audio) // 2
    engine.push(lease, audio[:half])
    engine.change(lease, latency_ms=80)
    engine.push(lease, audio[half:])
    engine.flush(lease, 0, last=True)
    results = drain(engine)
    assert text_of(engine, [token for result in results for token in result.tokens]) == text
    assert results[0].samples == 13 * 1280 + 200
    assert results[-2].samples - results[-3].samples == 1280


def test_silence_and_nothing_bring_no_words(engine: Engine) -> None:
    assert transcribe(engine, np.zeros(32_000, np.int16), 160) == ""
    lease = engine.open(160, "en-US")
    engine.flush(lease, 5, last=True)
    assert drain(engine) == [RowResult(lease, 0, mark=5, ended=True)]


@pytest.mark.parametrize("level", [32767, -32768])
def test_clipped_audio_is_survived(engine: Engine, level: int) -> None:
    assert isinstance(transcribe(engine, np.full(16_000, level, np.int16), 80), str)
    audio, text = tones.utterance(11, 3)
    assert transcribe(engine, audio, 80) == text


def test_a_full_engine_refuses_and_recovers(checkpoint: Checkpoint) -> None:
    engine = Engine(checkpoint, slots=2, device="cpu")
    first, second = engine.open(80, "en-US"), engine.open(80, "en-US")
    with pytest.raises(NoSlot):
        engine.open(80, "en-US")
    engine.close(first)
    third = engine.open(80, "en-US")
    assert third.slot == first.slot
    assert third.id != first.id
    engine.close(second)
    engine.close(third)
    assert engine.slots_used == 0


def test_unknown_settings_are_refused_with_what_is_offered(engine: Engine) -> None:
    with pytest.raises(UnknownLatency, match="80, 160, 560, 1120"):
        engine.open(100, "en-US")
    with pytest.raises(UnknownLanguage, match="en-US"):
        engine.open(80, "xx-XX")
    assert engine.slots_used == 0
    lease = engine.open(80, "en-US")
    with pytest.raises(UnknownLatency):
        engine.change(lease, latency_ms=333)


def test_an_ended_lease_takes_nothing(engine: Engine) -> None:
    lease = engine.open(80, "en-US")
    engine.close(lease)
    with pytest.raises(LeaseEnded):
        engine.push(lease, b"\0\0")
    engine.close(lease)
    ending = engine.open(80, "en-US")
    engine.push(ending, tones.utterance(0, 1)[0])
    engine.flush(ending, 1, last=True)
    with pytest.raises(LeaseEnded):
        engine.push(ending, b"\0\0")


def test_closing_a_lease_drops_its_queued_row(engine: Engine) -> None:
    audio, text = tones.utterance(3, 3)
    leaver, stayer = engine.open(80, "en-US"), engine.open(80, "en-US")
    for lease in (leaver, stayer):
        engine.push(lease, audio)
        engine.flush(lease, 1, last=True)
    engine.close(leaver)
    results = drain(engine)
    assert {result.lease for result in results} == {stayer}
    assert text_of(engine, [token for result in results for token in result.tokens]) == text


def test_warm_up_leaves_no_trace(engine: Engine) -> None:
    audio, text = tones.utterance(3, 3)
    lease = engine.open(80, "en-US")
    engine.push(lease, audio[:8000])
    engine.warm_up()
    engine.push(lease, audio[8000:])
    engine.flush(lease, 1, last=True)
    assert text_of(engine, [token for result in drain(engine) for token in result.tokens]) == text
    assert engine.slots_used == 0


def test_probabilities_are_probabilities(engine: Engine) -> None:
    lease = engine.open(160, "en-US")
    engine.push(lease, tones.utterance(4, 6)[0])
    engine.flush(lease, 1, last=True)
    results = drain(engine)
    values = [value for result in results for value in (*result.probabilities, *result.confidences)]
    assert values
    assert all(0 < value <= 1 for value in values)
    assert all(len(result.confidences) == len(result.tokens) for result in results)


def test_an_hour_of_silence_costs_no_memory(engine: Engine) -> None:
    lease = engine.open(1120, "en-US")
    second = np.zeros(16_000, np.int16)
    for _ in range(120):
        engine.push(lease, second)
        drain(engine)
    assert engine.buffered_seconds(lease) < 1.2
    assert not engine._inputs._audio._waiting


def test_audio_of_many_streams_at_once_is_heard_like_that_of_each(engine: Engine) -> None:
    said = [tones.utterance(40 + index, 4) for index in range(3)]
    leases = [engine.open(160, "en-US") for _ in said]
    tokens: dict[int, list[int]] = {lease.id: [] for lease in leases}
    for at in range(0, 60_000, 700):
        pieces = [audio[at : at + 700] for audio, _ in said]
        engine.push_batch(
            AudioBatch(
                np.array([lease.slot for lease in leases], np.int32),
                np.array([lease.id for lease in leases], np.int64),
                np.array([len(piece) for piece in pieces], np.int32),
                np.concatenate(pieces),
            )
        )
        for result in drain(engine):
            tokens[result.lease.id] += result.tokens
    for lease in leases:
        engine.flush(lease, 0, last=True)
    for result in drain(engine):
        tokens[result.lease.id] += result.tokens
    assert [text_of(engine, tokens[lease.id]) for lease in leases] == [text for _, text in said]


def test_audio_for_a_lease_that_has_ended_or_never_was_reaches_nobody(engine: Engine) -> None:
    gone = engine.open(80, "en-US")
    engine.close(gone)
    lease = engine.open(80, "en-US")
    audio, text = tones.utterance(50, 3)
    noise = np.full(500, 9000, np.int16)
    slots = np.array([gone.slot, lease.slot, 0, gone.slot], np.int32)
    leases = np.array([gone.id, lease.id, 0, 0], np.int64)
    lengths = np.array([500, len(audio), 500, 500], np.int32)
    engine.push_batch(AudioBatch(slots, leases, lengths, np.concatenate([noise, audio, noise, noise])))
    engine.flush(lease, 0, last=True)
    assert text_of(engine, [token for result in drain(engine) for token in result.tokens]) == text
