from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from demo_model.neural.kokoro_vocoder import ByteConvolution, KokoroVocoder, StyledBlock, Weights

STYLE = 128


def normal(*shape: int, seed: int = 0, scale: float = 0.1) -> np.ndarray:
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("dilation", [1, 3, 5])
def test_a_convolution_of_bytes_is_near_the_one_of_numbers(dilation: int) -> None:
    weight, bias = normal(32, 32, 7), normal(32, seed=1)
    x = torch.randint(0, 256, (150, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    scale, zero = 0.02, 117
    out = ByteConvolution(weight, bias, dilation)(x, scale, zero)
    numbers = (x.float() - zero) * scale
    wanted = F.conv1d(
        numbers.T[None], torch.from_numpy(weight), torch.from_numpy(bias), padding=3 * dilation, dilation=dilation
    )[0].T
    assert out.shape == wanted.shape
    assert (out - wanted).std() < 0.01 * wanted.std()


def block_weights(name: str, channels: int, kernel: int, seed: int) -> Weights:
    out: Weights = {}
    for index in range(3):
        for half in (1, 2):
            own = seed + 10 * index + half
            out[f"{name}.convs{half}.{index}.weight"] = normal(channels, channels, kernel, seed=own)
            out[f"{name}.convs{half}.{index}.bias"] = normal(channels, seed=own)
            out[f"{name}.adain{half}.{index}.fc.weight"] = normal(STYLE, 2 * channels, seed=own, scale=0.02)
            out[f"{name}.adain{half}.{index}.fc.bias"] = normal(2 * channels, seed=own)
            out[f"{name}.alpha{half}.{index}"] = 1 + normal(channels, seed=own)
    return out


def styled(weights: Weights, name: str, x: torch.Tensor, style: np.ndarray) -> torch.Tensor:
    """The block as the paper defines it, in single precision, on [1, channels, time]."""
    for index, dilation in enumerate((1, 3, 5)):
        hidden = x
        for half, own in ((1, dilation), (2, 1)):
            layer = f"{name}.convs{half}.{index}"
            given = style @ weights[f"{name}.adain{half}.{index}.fc.weight"]
            gain, shift = torch.from_numpy(given + weights[f"{name}.adain{half}.{index}.fc.bias"]).chunk(2)
            y = F.instance_norm(hidden) * (1 + gain)[:, None] + shift[:, None]
            alpha = torch.from_numpy(weights[f"{name}.alpha{half}.{index}"])[:, None]
            y = y + torch.sin(alpha * y) ** 2 / alpha
            kernel = torch.from_numpy(weights[f"{layer}.weight"])
            padding = (kernel.shape[-1] - 1) // 2 * own
            hidden = F.conv1d(y, kernel, torch.from_numpy(weights[f"{layer}.bias"]), padding=padding, dilation=own)
        x = x + hidden
    return x


def test_a_block_is_near_the_one_of_numbers_whatever_its_padding_holds() -> None:
    weights = block_weights("block", 16, 3, seed=5)
    block = StyledBlock(weights, "block", None)
    style, x = normal(STYLE, seed=9, scale=1.0), torch.from_numpy(normal(47, 16, seed=8, scale=1.0))
    wanted = styled(weights, "block", x.T[None], style)[0].T
    out = block(x, 47, 60, style)[:47]
    assert (out - wanted).std() < 0.03 * wanted.std()


def test_the_vocoder_makes_three_hundred_samples_of_a_frame(tmp_path: Path) -> None:
    wide, narrow = 16, 8
    weights: Weights = {}
    for index, (channels, kernel) in enumerate(((wide, 7), (narrow, 11))):
        weights |= block_weights(f"noise_res.{index}", channels, kernel, seed=100 + index)
        for block, size in enumerate((3, 7, 11)):
            weights |= block_weights(f"resblocks.{3 * index + block}", channels, size, seed=block)
    shapes = {
        "noise_convs.0": (wide, 22, 12), "noise_convs.1": (narrow, 22, 1), "ups.0": (512, wide, 20),
        "ups.1": (wide, narrow, 12), "conv_post": (22, narrow, 7),
    }  # fmt: skip
    for name, shape in shapes.items():
        weights[f"{name}.weight"] = normal(*shape)
        weights[f"{name}.bias"] = normal(shape[1] if name.startswith("ups") else shape[0])
    np.savez(tmp_path / "vocoder.npz", allow_pickle=False, **weights)
    vocoder = KokoroVocoder(tmp_path, compiled=False)
    for frames in (18, 16):  # with and without frames of padding
        audio = vocoder(normal(1, 512, frames), normal(1, frames * 300 + 20), normal(1, STYLE))
        assert audio.shape == (frames * 300,)
        assert np.isfinite(audio).all()
        assert audio.std() > 0
