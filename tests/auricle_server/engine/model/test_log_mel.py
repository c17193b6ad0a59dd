from __future__ import annotations

import torch

from auricle_server.engine.frames import UNBOUNDED, FrameGeometry
from auricle_server.engine.model.log_mel import LOG_GUARD, LogMel
from tests.support.engine.tiny_model import CONFIG, parameters

GEOMETRY = FrameGeometry(CONFIG)


def textbook(audio: torch.Tensor) -> torch.Tensor:
    """NeMo's features of a whole recording: pre-emphasis, centred frames, power, filters, logarithm."""
    mel = CONFIG.mel
    emphasised = torch.cat((audio[:1], audio[1:] - mel.preemphasis * audio[:-1]))
    window = parameters().exact("preprocessor.featurizer.window", mel.window)
    spectrum = torch.stft(
        emphasised, mel.n_fft, mel.hop, mel.window, window, center=True, pad_mode="constant", return_complex=True
    )
    filters = parameters().exact("preprocessor.featurizer.fb", 1, mel.bins, mel.n_fft // 2 + 1)[0]
    return torch.log(filters @ spectrum.abs().square() + LOG_GUARD).T


def test_features_of_chunks_are_those_of_the_whole_recording() -> None:
    audio = torch.randn(8 * 1280, generator=torch.Generator().manual_seed(1)) * 0.1
    features, tail = LogMel(CONFIG.mel, parameters()), GEOMETRY.tail_samples
    expected = textbook(audio)
    position, frames = 3, 2  # encoder frames: the chunk begins at mel frame 8 * 3 - 7
    start = GEOMETRY.input_start(position) - tail
    chunk = audio[start : start + tail + frames * GEOMETRY.frame_samples][None]
    found = features(chunk, torch.tensor([start]), torch.tensor([UNBOUNDED]))
    first = GEOMETRY.mel_start(position)
    assert found.shape == (1, 8 * frames, CONFIG.mel.bins)
    torch.testing.assert_close(found[0], expected[first : first + 8 * frames], atol=2e-4, rtol=1e-4)


def test_audio_after_the_end_is_silence_whatever_it_holds() -> None:
    features = LogMel(CONFIG.mel, parameters())
    audio = torch.randn(1, GEOMETRY.tail_samples + 1280, generator=torch.Generator().manual_seed(2))
    other = audio.clone()
    other[:, 700:] = 5.0
    found, same = (features(each, torch.tensor([0]), torch.tensor([700])) for each in (audio, other))
    assert torch.equal(found, same)
