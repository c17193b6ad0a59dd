from __future__ import annotations

import pytest
import torch

from auricle_server.engine.frames import UNBOUNDED, FrameGeometry
from auricle_server.engine.model.subsampling import Subsampling, stage_widths
from tests.support.engine.tiny_model import CONFIG, parameters

ENCODER, BINS = CONFIG.encoder, CONFIG.mel.bins
GEOMETRY = FrameGeometry(CONFIG)


def carried(batch: int = 1) -> list[torch.Tensor]:
    channels = 1, ENCODER.conv_channels, ENCODER.conv_channels
    widths = stage_widths(BINS)
    return [torch.zeros(batch, count, 1, width) for count, width in zip(channels, widths, strict=True)]


def chunked(mel: torch.Tensor, frames: int, length: int) -> torch.Tensor:
    """Encoder inputs of a whole stream, computed chunk by chunk. `mel` begins at mel frame -7 and is long enough."""
    layer, state, out = Subsampling(ENCODER, BINS, parameters()), carried(), []
    for position in range(0, mel.shape[0] // 8 // frames * frames, frames):
        rows = mel[8 * position : 8 * (position + frames)][None]
        found, state = layer(rows, torch.tensor([position]), torch.tensor([length]), state)
        out.append(found[0])
    return torch.cat(out)


def test_each_stage_halves_the_bins() -> None:
    assert stage_widths(128) == (131, 68, 36)


@pytest.mark.parametrize("frames", [2, 7])
def test_chunks_of_any_size_give_the_same_frames(frames: int) -> None:
    mel = torch.randn(8 * 14, BINS, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(chunked(mel, frames, UNBOUNDED), chunked(mel, 1, UNBOUNDED), atol=1e-4, rtol=1e-4)


def test_mel_frames_before_the_start_and_after_the_end_do_not_matter() -> None:
    mel = torch.randn(8 * 4, BINS, generator=torch.Generator().manual_seed(2))
    length = 20  # mel frames of the stream: rows 7 to 26 of `mel`
    other = mel.clone()
    other[:7] = 9.0
    other[7 + length :] = -9.0
    assert torch.equal(chunked(mel, 2, length), chunked(other, 2, length))


def test_frames_beyond_the_input_of_a_frame_do_not_change_it() -> None:
    mel = torch.randn(8 * 4, BINS, generator=torch.Generator().manual_seed(3))
    other = mel.clone()
    other[8 * 2 :] = 0.0
    torch.testing.assert_close(chunked(mel, 1, UNBOUNDED)[:2], chunked(other, 1, UNBOUNDED)[:2])
