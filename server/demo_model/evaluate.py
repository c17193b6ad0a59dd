"""Word error rates of a model on held-out sentences, in each of the four attention contexts."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from auricle_server.bench.transcripts import word_errors
from demo_model.dataset import TrainingExample, collate
from demo_model.network.encoder import Context
from demo_model.network.model import DemoModel
from demo_model.prompts import AUTO_PROMPT, PROMPT_OF, untagged
from demo_model.texts.sentences import normalise
from demo_model.tokenizer import Tokenizer

ROWS = 25


@dataclass(frozen=True)
class WordErrors:
    """Errors and words, counted lower-cased without punctuation and as written."""

    errors: int
    words: int
    written_errors: int
    written_words: int

    @property
    def wer(self) -> float:
        """Word error rate, lower-cased and without punctuation."""
        return self.errors / max(1, self.words)

    @property
    def written_wer(self) -> float:
        """Word error rate as written, where a missed comma or capital is an error."""
        return self.written_errors / max(1, self.written_words)


def score(references: list[str], hypotheses: list[str]) -> WordErrors:
    """Total errors of hypotheses against references."""
    errors = words = written_errors = written_words = 0
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        plain = normalise(reference).split()
        errors += word_errors(plain, normalise(hypothesis).split())
        words += len(plain)
        written_errors += word_errors(reference.split(), hypothesis.split())
        written_words += len(reference.split())
    return WordErrors(errors, words, written_errors, written_words)


@torch.inference_mode()
def transcribe(
    model: DemoModel,
    tokenizer: Tokenizer,
    examples: list[TrainingExample],
    context: Context,
    *,
    auto: bool = True,
) -> list[str]:
    """Greedy transcripts of the examples in one attention context, in their order.

    A prompted model hears them under ``auto`` or each under its own language, and writes tags.
    """
    model.eval()
    device = next(model.parameters()).device
    order = sorted(range(len(examples)), key=lambda index: len(examples[index].mel))
    texts = [""] * len(examples)
    for at in range(0, len(order), ROWS):
        chosen = order[at : at + ROWS]
        batch = collate([examples[index] for index in chosen])
        encoded, lengths = model.encoder(batch.mel.to(device), batch.mel_lengths.to(device), context)
        own = [AUTO_PROMPT if auto else PROMPT_OF[examples[index].language] for index in chosen]
        encoded = model.prompted(encoded, torch.tensor(own, device=device)[:, None].expand(encoded.shape[:2]))
        for index, found in zip(chosen, model.greedy(encoded, lengths), strict=True):
            texts[index] = tokenizer.decode([token for token, _ in found])
    return texts


def evaluate(model: DemoModel, tokenizer: Tokenizer, examples: list[TrainingExample], context: Context) -> WordErrors:
    """Score of a model on examples in one attention context."""
    texts = transcribe(model, tokenizer, examples, context)
    return score([example.text for example in examples], list(map(untagged, texts)))
