"""The figures of a finished model: word error rates by context and by kind of input, and how late tokens come."""

from __future__ import annotations

from collections.abc import Callable

import torch

from .dataset import Example, collate
from .evaluate import score, transcribe
from .losses import rnnt_alignment
from .model import CONTEXTS, DemoModel
from .tokenizer import Tokenizer

FRAME_MILLISECONDS = 80
KINDS: dict[str, Callable[[Example], bool]] = {
    "all": lambda _: True,
    "clean": lambda example: example.clean,
    "noise, room or telephone": lambda example: not example.clean,
    "conversation": lambda example: example.group not in ("random", "listing"),
    "random words": lambda example: example.group == "random",
    "espeak-ng": lambda example: example.voice.startswith("espeak"),
    "Flite": lambda example: example.voice.startswith("flite"),
    "Festival": lambda example: example.voice.startswith("festival"),
}


def measure(model: DemoModel, tokenizer: Tokenizer, examples: list[Example]) -> dict[str, dict[str, dict[str, float]]]:
    """Per chunk latency and kind of example: sentences, words, WER normalised and as written, in percent."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    for context in CONTEXTS:
        texts = transcribe(model, tokenizer, examples, context)
        latency = f"{(context[1] + 1) * FRAME_MILLISECONDS} ms"
        out[latency] = {
            name: _row(examples, texts, chosen) for name, chosen in KINDS.items() if any(map(chosen, examples))
        }
    return out


def _row(examples: list[Example], texts: list[str], chosen: Callable[[Example], bool]) -> dict[str, float]:
    pairs = [(example.text, text) for example, text in zip(examples, texts, strict=True) if chosen(example)]
    result = score([reference for reference, _ in pairs], [text for _, text in pairs])
    return {
        "sentences": len(pairs), "words": result.words,
        "wer": round(100 * result.wer, 2), "written_wer": round(100 * result.written_wer, 2),
    }  # fmt: skip


@torch.inference_mode()
def last_token_frames(model: DemoModel, tokenizer: Tokenizer, example: Example, right: int) -> int:
    """Encoder frames between the end of the input and the last token on the likeliest path; 0: at the very end."""
    batch = collate([example])
    encoded, frames = model.encoder(batch.mel, batch.mel_lengths, (70, right))
    target = torch.tensor([tokenizer.encode(example.text)])
    predicted, _ = model.decoder(torch.nn.functional.pad(target, (1, 0), value=model.shape.tokens))
    scores = model.joint(model.joint.enc(encoded[:, : int(frames)]), model.joint.pred(predicted))
    return int(frames) - 1 - rnnt_alignment(scores[0], target[0])[-1]
