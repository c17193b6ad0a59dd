"""The small network of the models that have ills, its loss, and its archive."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import sentencepiece
import torch
from torch import Tensor

from auricle_server.bench.models.nemo_writer import nemo_config, write_archive
from auricle_server.checkpoints.calibrations import write_calibration
from auricle_server.text.calibration import WordCalibration
from demo_model.export import model_config, weights
from demo_model.network.losses import forward_variables, lattice
from demo_model.network.model import DemoModel, Shape
from tests.support.ills.scenes import MARK, Label
from tests.support.ills.words import WORDS

PIECES = 96
FRAME = 0.08
SHAPE = Shape(
    tokens=PIECES, channels=16, d_model=64, layers=2, predictor=48, joint=64, left=56, expansion=2
)  # fmt: skip
CONFIDENCE = 12.0, -2.0
"""Between the confidences by entropy of guesses, 0.01 to 0.05, and those of words, 0.3 to 0.9, by `measure`."""
_NEVER = -1e4


@dataclass(frozen=True)
class Vocabulary:
    """The pieces, the serialised SentencePiece model, and the token ids of every word and of the mark."""

    pieces: list[str]
    model: bytes
    ids: dict[str, list[int]]


def vocabulary() -> Vocabulary:
    """BPE of the words: frequent words become one piece, the last five two or three."""
    text = [f"{word}{MARK}" for index, word in enumerate(WORDS) for _ in range(40 if index < 11 else 10)]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=model, vocab_size=PIECES, model_type="bpe", character_coverage=1.0,
        normalization_rule_name="identity",  # the tables of the default rule take 240 kB
        bos_id=-1, eos_id=-1, pad_id=-1, unk_id=0, num_threads=1, minloglevel=2,
    )  # fmt: skip
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [processor.id_to_piece(index) for index in range(PIECES)]
    ids = {word: processor.encode(word) for word in WORDS} | {MARK: [pieces.index(MARK)]}
    return Vocabulary(pieces, model.getvalue(), ids)


@dataclass(frozen=True)
class Targets:
    """Tokens [B, U] with their first and last frames [B, U]; count [B]."""

    tokens: Tensor
    first: Tensor
    last: Tensor
    count: Tensor


def targets(rows: list[list[Label]], ids: dict[str, list[int]]) -> Targets:
    """The labels of a batch as tokens and frames."""
    flat = [[(token, label) for label in row for token in ids[label.text]] for row in rows]
    width = max(1, *(len(row) for row in flat))
    tokens, first = torch.zeros(len(rows), width, dtype=torch.long), torch.zeros(len(rows), width)
    last = torch.zeros(len(rows), width)
    for index, row in enumerate(flat):
        for place, (token, label) in enumerate(row):
            tokens[index, place] = token
            first[index, place], last[index, place] = label.first // FRAME, label.last // FRAME
    return Targets(tokens, first, last, torch.tensor([len(row) for row in flat]))


def transducer_loss(model: DemoModel, encoded: Tensor, frames: Tensor, wanted: Targets) -> Tensor:
    """Mean RNNT loss of a scene, of paths only that emit every token within its frames.

    "Alignment Restricted Streaming Recurrent Neural Network Transducer" (Mahadeokar et al., 2020): times are known
    here, a model learns from them in a tenth of the steps, and a word that it doubts is emitted all the same.
    """
    blank = torch.full_like(wanted.tokens[:, :1], model.shape.tokens)
    predicted, _ = model.decoder(torch.cat([blank, wanted.tokens], 1))
    scores = model.joint(model.joint.enc(encoded), model.joint.pred(predicted))
    on_blank, on_emit = (part.double() for part in lattice(scores, wanted.tokens))
    time = torch.arange(encoded.shape[1])[None, :, None]
    place = torch.arange(wanted.tokens.shape[1])[None] < wanted.count[:, None]
    allowed = (time >= wanted.first[:, None]) & (time <= wanted.last[:, None]) & place[:, None]
    alpha = forward_variables(on_blank, torch.where(allowed, on_emit, _NEVER))
    rows = torch.arange(len(frames))
    total = alpha[rows, frames - 1, wanted.count] + on_blank[rows, frames - 1, wanted.count]
    return -total.mean()


def export(model: DemoModel, words: Vocabulary, out: Path) -> None:
    """Writes the archive, all of it in half precision, and beside it how confidences become probabilities."""
    stored = {name: value.half() for name, value in weights(model).items()}
    write_archive(out, nemo_config(model_config(model.shape), words.pieces), stored, words.model)
    write_calibration(out, WordCalibration(confidence=CONFIDENCE))
