"""Results of a trained model: word error rates by context and kind of input, and the delay of tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch

from demo_model.dataset import TrainingExample, collate
from demo_model.evaluate import score, transcribe
from demo_model.network.losses import rnnt_alignment
from demo_model.network.model import DemoModel
from demo_model.prompts import PROMPT_OF, last_tag, untagged
from demo_model.tokenizer import Tokenizer

FRAME_MILLISECONDS = 80
KINDS: dict[str, Callable[[TrainingExample], bool]] = {
    "all": lambda _: True,
    "clean": lambda example: example.clean,
    "noise, room or telephone": lambda example: not example.clean,
    "conversation": lambda example: example.group not in ("random", "listing"),
    "random words": lambda example: example.group == "random",
    "espeak-ng": lambda example: example.voice.startswith("espeak"),
    "Flite": lambda example: example.voice.startswith("flite"),
    "Festival": lambda example: example.voice.startswith("festival"),
}


Figures = dict[str, dict[str, dict[str, float]]]


def measure(model: DemoModel, tokenizer: Tokenizer, examples: list[TrainingExample]) -> Figures:
    """Per chunk latency and kind of example: sentences, words, WER normalised and as written, in percent.

    A prompted model is measured under ``auto``, with the share of sentences whose language it names, and, as
    ``"160 ms, told"``, with each sentence's own language as prompt; kinds are languages then too.
    """
    prompted = model.prompt_kernel is not None
    out: Figures = {}
    for context in model.shape.contexts:
        latency = f"{(context[1] + 1) * FRAME_MILLISECONDS} ms"
        out[latency] = _rows(examples, transcribe(model, tokenizer, examples, context), prompted)
        if prompted:
            told = transcribe(model, tokenizer, examples, context, auto=False)
            out[f"{latency}, told"] = _rows(examples, told, prompted)
    return out


def _rows(examples: list[TrainingExample], texts: list[str], prompted: bool) -> dict[str, dict[str, float]]:
    kinds = KINDS | {code: _speaks(code) for code in PROMPT_OF} if prompted else KINDS
    rows = {name: _row(examples, texts, chosen) for name, chosen in kinds.items() if any(map(chosen, examples))}
    if prompted:
        for name, row in rows.items():
            row["language"] = _accuracy(examples, texts, kinds[name])
    return rows


def _speaks(code: str) -> Callable[[TrainingExample], bool]:
    return lambda example: example.language == code


def _accuracy(examples: list[TrainingExample], texts: list[str], chosen: Callable[[TrainingExample], bool]) -> float:
    """Share of the sentences, in percent, whose last tag names their language."""
    right = [
        example.language == last_tag(text) for example, text in zip(examples, texts, strict=True) if chosen(example)
    ]
    return round(100 * sum(right) / max(1, len(right)), 2)


def _row(
    examples: list[TrainingExample], texts: list[str], chosen: Callable[[TrainingExample], bool]
) -> dict[str, float]:
    pairs = [
        (example.text, text) for example, text in zip(examples, map(untagged, texts), strict=True) if chosen(example)
    ]
    result = score([reference for reference, _ in pairs], [text for _, text in pairs])
    return {
        "sentences": len(pairs), "words": result.words,
        "wer": round(100 * result.wer, 2), "written_wer": round(100 * result.written_wer, 2),
    }  # fmt: skip


@torch.inference_mode()
def last_token_frames(model: DemoModel, tokenizer: Tokenizer, example: TrainingExample, right: int) -> int:
    """Encoder frames between the end of the input and the last token on the likeliest path; 0: at the very end."""
    batch = collate([example])
    encoded, frames = model.encoder(batch.mel, batch.mel_lengths, (70, right))
    target = torch.tensor([tokenizer.encode(example.text)])
    predicted, _ = model.decoder(torch.nn.functional.pad(target, (1, 0), value=model.shape.tokens))
    scores = model.joint(model.joint.enc(encoded[:, : int(frames)]), model.joint.pred(predicted))
    return int(frames) - 1 - rnnt_alignment(scores[0], target[0])[-1]
