from __future__ import annotations

import torch

from auricle_server.engine.frames import UNBOUNDED
from auricle_server.engine.model.forward import CHUNK_COUNTS, COLUMNS, Batch, Model
from auricle_server.engine.ops import portable_ops
from tests.support.engine.tiny_model import CPU, checkpoint, model


def batch(made: Model, slots: list[int], position: int, frames: int, seed: int = 1) -> Batch:
    pcm = torch.randint(
        -9000,
        9000,
        (len(slots), frames * made.geometry.frame_samples),
        dtype=torch.int16,
        generator=torch.Generator().manual_seed(seed),
    )
    where, zeros = torch.tensor(slots), torch.zeros(len(slots), dtype=torch.int64)
    start = made.geometry.input_start(position)
    return Batch(
        pcm,
        where,
        where,
        zeros + position,
        zeros + start,
        zeros + UNBOUNDED,
        zeros + UNBOUNDED,
        zeros + frames,
        zeros,
        zeros,
    )


def test_left_contexts_are_whole_chunks() -> None:
    made = model()
    assert made.reach == {14: 70, 7: 70, 2: 70, 1: 70}
    assert (made.left, made.config.frame_samples) == (70, 1280)
    assert made.chunks_of_row == {14 * count: count for count in CHUNK_COUNTS}


def test_a_batch_has_a_column_for_every_field_but_the_audio() -> None:
    assert len(Batch.__dataclass_fields__) == COLUMNS + 1
    assert next(iter(Batch.__dataclass_fields__)) == "pcm"


def test_a_chunk_becomes_mel_frames_encoder_frames_and_joint_inputs() -> None:
    made = model()
    one = batch(made, [1, 2], 0, 2)
    mel = made.features(one)
    assert mel.shape == (2, 16, 128)
    encoded = made.encode(mel, one)
    assert encoded.shape == (2, 2, 64)
    assert made.project(encoded, one).shape == (2, 2, made.config.decoder.joint)


def test_what_a_row_computes_does_not_depend_on_the_other_rows() -> None:
    made, alone = model(), model()
    one = batch(made, [1, 2], 0, 2)
    encoded = made.encode(made.features(one), one)
    for row in range(2):
        single = Batch(*(getattr(one, name)[row : row + 1] for name in Batch.__dataclass_fields__))
        again = alone.encode(alone.features(single), single)
        torch.testing.assert_close(encoded[row], again[0], atol=1e-5, rtol=1e-4)


def test_a_row_that_writes_to_the_trash_slot_leaves_its_slot_as_it_was() -> None:
    made = model()
    first = batch(made, [1], 0, 2)
    made.encode(made.features(first), first)
    before = made.state.audio(torch.tensor([1])), made.state.layers[0].keys[1].clone()
    peek = Batch(
        first.pcm,
        first.slots,
        torch.zeros_like(first.slots),
        *(getattr(batch(made, [1], 2, 2, seed=2), name) for name in list(Batch.__dataclass_fields__)[3:]),
    )
    made.encode(made.features(peek), peek)
    assert torch.equal(made.state.audio(torch.tensor([1])), before[0])
    assert torch.equal(made.state.layers[0].keys[1], before[1])


def test_streams_without_key_terms_need_no_tables() -> None:
    made = Model(checkpoint(), 2, CPU, torch.float32, portable_ops(), takes_key_terms=False)
    assert made.key_terms.size == (1, 0)
