"""The whole network, named as NeMo's `EncDecRNNTBPEModel`, with the two heads that only training uses."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from demo_model.audio.phones import LABELS_PER_FRAME, PHONES
from demo_model.network.encoder import Context, Encoder
from demo_model.network.features import Preprocessor

CONTEXTS: tuple[Context, ...] = ((70, 13), (70, 6), (70, 1), (70, 0))
LOG_MEL_MEAN, LOG_MEL_DEVIATION = -11.9, 4.2
PRE_ENCODE_DEVIATION = 0.5
MAX_SYMBOLS = 10


@dataclass(frozen=True)
class Shape:
    """Sizes of the network. `tokens` is the tokenizer's size; the blank is one more and last.

    `left` is the attention's left context; `prompts` is 0 for a network without a language prompt.
    """

    tokens: int = 256
    mels: int = 80
    channels: int = 48
    d_model: int = 160
    layers: int = 7
    heads: int = 4
    kernel: int = 9
    predictor: int = 192
    joint: int = 192
    left: int = 70
    prompts: int = 0
    expansion: int = 4

    @property
    def contexts(self) -> tuple[Context, ...]:
        """Attention contexts: 1120, 560, 160 and 80 ms, for prompted networks 320 ms too."""
        return tuple((self.left, right) for right in ((13, 6, 3, 1, 0) if self.prompts else (13, 6, 1, 0)))

    def as_dict(self) -> dict[str, int]:
        """The sizes by name."""
        return asdict(self)


class _Lstm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, width, num_layers=2, batch_first=True)


class Decoder(nn.Module):
    """Prediction network: tokens [B, U] with the blank first to states [B, U, predictor]."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        embed = nn.Embedding(tokens + 1, width, padding_idx=tokens)
        self.prediction = nn.ModuleDict({"embed": embed, "dec_rnn": _Lstm(width)})

    def forward(
        self, tokens: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """States, and the recurrent state to go on from."""
        recurrent = self.prediction["dec_rnn"]
        assert isinstance(recurrent, _Lstm)
        output, state = recurrent.lstm(self.prediction["embed"](tokens), state)
        return output, state


class JointNetwork(nn.Module):
    """Joint network: relu(enc + pred) to scores of every token and the blank."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.enc = nn.Linear(shape.d_model, shape.joint)
        self.pred = nn.Linear(shape.predictor, shape.joint)
        self.joint_net = nn.Sequential(nn.ReLU(), nn.Identity(), nn.Linear(shape.joint, shape.tokens + 1))

    def forward(self, encoded: Tensor, predicted: Tensor) -> Tensor:
        """Scores [B, T, U, tokens + 1] from already projected [B, T, joint] and [B, U, joint]."""
        scores: Tensor = self.joint_net(encoded[:, :, None] + predicted[:, None])
        return scores


class PromptKernel(nn.Sequential):
    """A one-hot of the prompt beside every encoder frame, through two linear layers (NeMo's ``prompt_kernel``)."""

    def __init__(self, d_model: int, prompts: int) -> None:
        super().__init__(nn.Linear(d_model + prompts, 2 * d_model), nn.ReLU(), nn.Linear(2 * d_model, d_model))
        self.d_model = d_model

    @torch.no_grad()
    def initialise(self) -> None:
        """Starts as the identity, relu(x) - relu(-x): a pretrained encoder's output reaches the joint unchanged."""
        first, last = self._linear(0), self._linear(2)
        identity = torch.eye(self.d_model)
        first.weight[:, : self.d_model] = torch.cat((identity, -identity))
        first.weight[:, self.d_model :].normal_(0, 0.02)
        first.bias.zero_()
        last.weight.copy_(torch.cat((identity, -identity), 1))
        last.bias.zero_()

    def forward(self, encoded: Tensor, prompts: Tensor) -> Tensor:  # type: ignore[override]  # a second input
        """Frames [B, T, d] under the prompts [B, T]."""
        first = self._linear(0)
        by_prompt = F.embedding(prompts, first.weight[:, self.d_model :].T)
        hidden = F.linear(encoded, first.weight[:, : self.d_model], first.bias) + by_prompt
        out: Tensor = self._linear(2)(torch.relu(hidden))
        return out

    def _linear(self, index: int) -> nn.Linear:
        layer = self[index]
        assert isinstance(layer, nn.Linear)
        return layer


class DemoModel(nn.Module):
    """Audio features to RNNT scores; `ctc_head` and `phone_head` guide the training and are not exported."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.preprocessor = Preprocessor(shape.mels)
        self.encoder = Encoder(
            shape.mels, shape.channels, shape.d_model, shape.layers, shape.heads, shape.kernel, shape.expansion
        )
        self.decoder = Decoder(shape.tokens, shape.predictor)
        self.joint = JointNetwork(shape)
        self.prompt_kernel = PromptKernel(shape.d_model, shape.prompts) if shape.prompts else None
        self.ctc_head = nn.Linear(shape.d_model, shape.tokens + 1)
        self.phone_head = nn.Linear(shape.d_model, LABELS_PER_FRAME * len(PHONES))

    def prompted(self, encoded: Tensor, prompts: Tensor | None) -> Tensor:
        """Encoder frames [B, T, d] under the language prompts [B, T], for networks that have them."""
        return encoded if self.prompt_kernel is None or prompts is None else self.prompt_kernel(encoded, prompts)

    def phone_scores(self, encoded: Tensor) -> Tensor:
        """[B, T, d] to [B, T, 4, phones]."""
        scores: Tensor = self.phone_head(encoded)
        return scores.view(*scores.shape[:-1], LABELS_PER_FRAME, len(PHONES))

    @torch.no_grad()
    def initialise(self, mel: Tensor, lengths: Tensor) -> None:
        """Scale the subsampling so that its output depends on the input: with default weights it hardly varies.

        The mean and deviation of log-mel are folded into the first convolution, pointwise and depthwise weights are
        doubled and the output is scaled, on the batch `mel` [B, T, mels], to a deviation of 0.5 across inputs.
        """
        first, *rest = [layer for layer in self.encoder.pre_encode.conv if isinstance(layer, nn.Conv2d)]
        assert first.bias is not None
        first.weight.div_(LOG_MEL_DEVIATION)
        first.bias.sub_(LOG_MEL_MEAN * first.weight.sum((1, 2, 3)))
        for layer in rest:
            layer.weight.mul_(2)
        out = self.encoder.pre_encode.out
        encoded, frames = self.encoder.pre_encode(mel, lengths)
        valid = encoded[torch.arange(encoded.shape[1])[None] < frames[:, None]]
        out.weight.mul_(PRE_ENCODE_DEVIATION / valid.std(0).mean())
        encoded, _ = self.encoder.pre_encode(mel, lengths)
        out.bias.sub_(encoded[torch.arange(encoded.shape[1])[None] < frames[:, None]].mean(0))

    @torch.inference_mode()
    def greedy(self, encoded: Tensor, lengths: Tensor) -> list[list[tuple[int, int]]]:
        """Greedy RNNT: for each stream its (token, encoder frame) pairs; at most 10 tokens in a frame, as NeMo."""
        blank, rows = self.shape.tokens, len(encoded)
        projected = self.joint.enc(encoded)
        output, state = self.decoder(torch.full((rows, 1), blank, device=encoded.device))
        found: list[list[tuple[int, int]]] = [[] for _ in range(rows)]
        for frame in range(encoded.shape[1]):
            active = lengths > frame
            for _ in range(MAX_SYMBOLS):
                best = self.joint(projected[:, frame : frame + 1], self.joint.pred(output))[:, 0, 0].argmax(-1)
                active = active & (best != blank)
                if not bool(active.any()):
                    break
                for row in active.nonzero()[:, 0].tolist():
                    found[row].append((int(best[row]), frame))
                output, state = self._advance(best, active, output, state)
        return found

    def _advance(
        self, best: Tensor, active: Tensor, output: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        stepped, (hidden, cell) = self.decoder(best[:, None], state)
        keep = active[None, :, None]
        state = torch.where(keep, hidden, state[0]), torch.where(keep, cell, state[1])
        return torch.where(active[:, None, None], stepped, output), state


def phone_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of [B, T, 4, phones] against labels [B, T, 4]; unknown and padded labels (-100) are ignored.

    0 where no label is known: some voices do not say which phone sounds when.
    """
    total = F.cross_entropy(scores.flatten(0, 2).float(), labels.flatten(), reduction="sum")
    return total / (labels >= 0).sum().clamp(min=1)
