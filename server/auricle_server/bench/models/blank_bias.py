"""Sets how many tokens a model with random weights emits, by the bias of the blank token.

The encoder does not depend on that bias: it runs once, and only the greedy search runs again for each bias that is
tried. With the encoder in every round a model of 0.6 billion parameters took more than ten minutes on two busy cores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from auricle_server.bench.clips import load_clips, talk
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.build import Hardware
from auricle_server.engine.capabilities import Capabilities
from auricle_server.engine.decoding.greedy import GreedyDecoder
from auricle_server.engine.frames import UNBOUNDED
from auricle_server.engine.model.forward import Batch, Model
from auricle_server.engine.model.joint import Joint
from auricle_server.engine.model.parameters import Parameters
from auricle_server.engine.ops import portable_ops

Log = Callable[[str], None]

TOKENS_PER_SECOND = 3.0
"""About the rate of speech with a vocabulary of a thousand pieces."""
STREAMS = 4
SECONDS = 8.0
ROUNDS = 9
LOWEST, HIGHEST = 0.0, 16.0
TOO_MANY = 4.0
"""The search ends early at so many times the wanted rate: with a low bias each frame emits the maximum."""
BIAS = "joint.joint_net.2.bias"
KNOWN = {"random-en": (5.5, 3.16), "random-3.5": (3.734375, 3.22), "random-120m": (6.0625, 3.31)}
"""Bias and rate that `calibrate` found, by the name of a model that was drawn on a CPU with seed 0."""


def calibrate(checkpoint: Checkpoint, *, device: str = "auto", log: Log = lambda _: None) -> tuple[Checkpoint, float]:
    """Finds the blank bias at which speech yields about `TOKENS_PER_SECOND`; returns the changed model and its rate.

    Bisection: each round decodes the bundled clips with the next bias.
    """
    speech = _EncodedSpeech(checkpoint, device, log)
    low, high = LOWEST, HIGHEST
    found: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        rate = speech.token_rate(middle)
        log(f"a blank bias of {middle:g} gives {rate:.1f} tokens per second of speech")
        found.append((middle, rate))
        low, high = (middle, high) if rate > TOKENS_PER_SECOND else (low, middle)
    bias, rate = min(found, key=lambda pair: abs(pair[1] - TOKENS_PER_SECOND))
    return with_blank_bias(checkpoint, bias), rate


def known_rate(checkpoint: Checkpoint) -> tuple[Checkpoint, float] | None:
    """What `calibrate` returns of a model of `KNOWN`, without computing; None for any other model.

    Args:
        checkpoint: Drawn on a CPU with seed 0; a GPU draws other values.
    """
    if checkpoint.name not in KNOWN:
        return None
    bias, rate = KNOWN[checkpoint.name]
    return with_blank_bias(checkpoint, bias), rate


def token_rate(checkpoint: Checkpoint, *, device: str = "auto", log: Log = lambda _: None) -> float:
    """Tokens per second of speech, over `STREAMS` speakers of `SECONDS` each, in the largest chunks."""
    return _EncodedSpeech(checkpoint, device, log).token_rate()


def with_blank_bias(checkpoint: Checkpoint, value: float) -> Checkpoint:
    """The same model with another bias of the blank token."""
    bias: Tensor = checkpoint.weights[BIAS].clone()
    bias[-1] = value
    return replace(checkpoint, weights={**checkpoint.weights, BIAS: bias})


class _EncodedSpeech:
    """The encoder's output for `STREAMS` speakers, ready for a greedy search with any blank bias."""

    def __init__(self, checkpoint: Checkpoint, device: str, log: Log) -> None:
        hardware = Hardware(device).resolved()
        assert hardware.dtype is not None, "resolved"
        self._checkpoint, self._device = checkpoint, torch.device(hardware.device)
        self._parameters = Parameters(checkpoint.weights, self._device, hardware.dtype)
        log(f"encoding {STREAMS * SECONDS:.0f} s of speech")
        with torch.inference_mode():
            model = Model(checkpoint, STREAMS, self._device, hardware.dtype, portable_ops(), takes_key_terms=False)
            self._network = model.network
            self._projected = projected_speech(model, checkpoint)

    def token_rate(self, bias: float | None = None) -> float:
        """Tokens per second of speech with a blank bias; None takes the model's own."""
        decoder = self._checkpoint.config.decoder
        most = TOO_MANY * TOKENS_PER_SECOND * STREAMS * SECONDS
        tokens = 0
        with torch.inference_mode():
            joint = Joint(decoder, self._parameters)
            if bias is not None:
                joint = Joint(decoder, self._with_bias(bias))
            search, state = GreedyDecoder(decoder, self._network, joint), self._network.start().repeat(STREAMS)
            for chunk in self._projected:
                emissions, state = search(chunk, torch.full((STREAMS,), chunk.shape[1], device=self._device), state)
                tokens += int(emissions.count.sum())
                if bias is not None and tokens > most:
                    break
        return tokens / (STREAMS * SECONDS)

    def _with_bias(self, bias: float) -> Parameters:
        weights = with_blank_bias(self._checkpoint, bias).weights
        return Parameters(weights, self._device, self._parameters.dtype)


def projected_speech(model: Model, checkpoint: Checkpoint) -> list[Tensor]:
    """Encoder frames projected for the joint, one [STREAMS, frames, joint] for each chunk of the largest latency."""
    frames, geometry = max(model.reach), model.geometry
    chunk, start = frames * geometry.frame_samples, geometry.input_start(0)
    clips = load_clips()
    audio = torch.stack([torch.from_numpy(talk(clips, seed, SECONDS)) for seed in range(STREAMS)])
    # The first chunk begins before the stream, and the last one is filled up with silence.
    audio = torch.nn.functional.pad(audio, (-start, -(audio.shape[1] - start) % chunk))
    languages = Capabilities(checkpoint, sorted(model.reach), STREAMS)
    prompt = languages.prompt(languages.info.default_language)
    slots = torch.arange(1, STREAMS + 1, device=model.device)
    found = []
    for number in range(audio.shape[1] // chunk):
        position = number * frames
        columns = (position, geometry.input_start(position), UNBOUNDED, UNBOUNDED, frames, prompt, 0)
        filled = [torch.full_like(slots, value) for value in columns]
        pcm = audio[:, number * chunk : (number + 1) * chunk].contiguous().to(model.device)
        batch = Batch(pcm, slots, slots, *filled)
        found.append(model.project(model.encode(model.features(batch), batch), batch))
    return found
