"""The encoder's mask and streaming: a frame never depends on what its context can't see."""

from __future__ import annotations

import pytest
import torch

from demo_model.network.encoder import Context, chunked_mask, positional_table, rel_shift
from demo_model.network.model import CONTEXTS, DemoModel, Shape

SMALL = Shape(tokens=16, mels=20, channels=4, d_model=16, layers=2, heads=2, predictor=8, joint=8)


def model() -> DemoModel:
    torch.manual_seed(0)
    return DemoModel(SMALL).eval()


@pytest.mark.parametrize("context", [*CONTEXTS, (6, 2), (0, 0)])
def test_mask_equals_its_definition(context: Context) -> None:
    left, right = context
    chunk = right + 1
    mask = chunked_mask(60, context)
    for query in range(60):
        first = (query // chunk - left // chunk) * chunk
        last = (query // chunk) * chunk + right
        seen = [key for key in range(60) if first <= key <= last]
        assert mask[query].nonzero()[:, 0].tolist() == seen


@pytest.mark.parametrize("context", CONTEXTS)
@torch.inference_mode()
def test_frames_do_not_depend_on_audio_after_their_chunk(context: Context) -> None:
    mel = torch.randn(1, 400, SMALL.mels)
    frames, _ = model().encoder(mel, torch.tensor([400]), context)
    chunk = context[1] + 1
    cut = 2 * chunk  # complete chunks, known from mel frames up to 8 * (cut - 1)
    changed = mel.clone()
    changed[:, 8 * (cut - 1) + 1 :] += 3.0
    other, _ = model().encoder(changed, torch.tensor([400]), context)
    torch.testing.assert_close(frames[:, :cut], other[:, :cut])
    assert (frames[:, cut:] - other[:, cut:]).abs().max() > 1e-3


@torch.inference_mode()
def test_batched_equals_alone() -> None:
    mel, lengths = torch.randn(3, 200, SMALL.mels), torch.tensor([200, 123, 57])
    together, frames = model().encoder(mel, lengths, (70, 1))
    for row in range(3):
        alone, count = model().encoder(mel[row : row + 1, : lengths[row]], lengths[row : row + 1], (70, 1))
        assert int(count[0]) == int(frames[row]) == alone.shape[1]
        torch.testing.assert_close(together[row, : alone.shape[1]], alone[0], rtol=1e-4, atol=1e-5)


def test_rel_shift_picks_scores_by_distance() -> None:
    time = 5
    by_distance = torch.arange(time - 1, -time, -1.0).expand(1, 1, time, -1)
    shifted = rel_shift(by_distance.contiguous())[0, 0]
    wanted = torch.arange(time)[:, None] - torch.arange(time)[None]
    torch.testing.assert_close(shifted, wanted.float())
    assert positional_table(time, 8, torch.device("cpu")).shape == (2 * time - 1, 8)


@torch.inference_mode()
def test_initialisation_makes_inputs_differ() -> None:
    network, mel = model(), torch.randn(4, 160, SMALL.mels) * 4.2 - 11.9
    lengths = torch.full((4,), 160)
    network.initialise(mel, lengths)
    encoded, _ = network.encoder.pre_encode(mel, lengths)
    assert 0.4 < float(encoded.flatten(0, 1).std(0).mean()) < 0.6


@torch.inference_mode()
def test_greedy_stops_after_ten_tokens_in_a_frame() -> None:
    network = model()
    last = network.joint.joint_net[-1]
    assert isinstance(last, torch.nn.Linear)
    last.bias[3] = 100.0
    found = network.greedy(torch.randn(2, 3, SMALL.d_model), torch.tensor([3, 1]))
    assert [len(tokens) for tokens in found] == [30, 10]
    assert {frame for _, frame in found[1]} == {0}
