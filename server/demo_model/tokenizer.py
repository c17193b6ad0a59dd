"""BPE tokenizer: trained by SentencePiece and applied in plain Python: training does not need SentencePiece."""

from __future__ import annotations

import io
import itertools
import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demo_model.texts.sentences import generate

PIECES_FILE = "pieces.json"
MODEL_FILE = "tokenizer.model"
TRAINING_SENTENCES = 40_000
SPACE = "\u2581"
_TAG = re.compile(r"<[a-z]{2}-[A-Z]{2}>")


@dataclass(frozen=True)
class Tokenizer:
    """BPE over (piece, score) pairs; piece 0 is the unknown piece. Words are encoded one by one and cached."""

    pieces: list[str]
    scores: list[float]
    _known: dict[str, list[int]] = field(default_factory=dict, compare=False)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, as SentencePiece gives them."""
        return [token for word in text.split() for token in self._word(word)]

    def decode(self, tokens: list[int]) -> str:
        """Text of token ids."""
        written = (_TAG.sub(r" \g<0>", self.pieces[token]) for token in tokens)
        return "".join(written).replace(SPACE, " ").strip()

    def _word(self, word: str) -> list[int]:
        if word not in self._known:
            index = {piece: number for number, piece in enumerate(self.pieces)}
            parts = [word] if _TAG.fullmatch(word) else list(SPACE + word)
            while merge := self._best_merge(parts, index):
                parts[merge - 1 : merge + 1] = [parts[merge - 1] + parts[merge]]
            self._known[word] = [index.get(part, 0) for part in parts]
        return self._known[word]

    def _best_merge(self, parts: list[str], index: dict[str, int]) -> int:
        """Index of the part to merge with the previous one: best score, leftmost on a tie; 0 without a merge."""
        found = [(at, index.get(parts[at - 1] + parts[at])) for at in range(1, len(parts))]
        merges = [(-self.scores[piece], at) for at, piece in found if piece is not None]
        return min(merges)[1] if merges else 0


def english_text(lines: Sequence[str] = ()) -> Iterable[str]:
    """The training text of the English tokenizer: the recipe's own sentences, and at most thrice as many lines."""
    own = (sentence.text for sentence in itertools.islice(generate(random.Random(7)), TRAINING_SENTENCES))
    return itertools.chain(own, lines[: 3 * TRAINING_SENTENCES])


def train(folder: Path, size: int = 256, text: Iterable[str] | None = None, tags: tuple[str, ...] = ()) -> Tokenizer:
    """Train SentencePiece in memory, so that its model holds no file name; write both files.

    Args:
        folder: Where to.
        size: Pieces.
        text: Sentences; None for `english_text`.
        tags: Pieces of their own, such as ``<es-ES>``.
    """
    import sentencepiece  # only this step needs it

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text or english_text()), model_writer=model, user_defined_symbols=list(tags),
        vocab_size=size, model_type="bpe", character_coverage=1.0,
        normalization_rule_name="identity",  # NFKC is 240 kB in the archive, and the text has nothing for it to do
        bos_id=-1, eos_id=-1, pad_id=-1, unk_id=0, num_threads=1, minloglevel=2,
    )  # fmt: skip
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    pieces = [processor.id_to_piece(index) for index in range(size)]
    scores = [processor.get_score(index) for index in range(size)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(model.getvalue())
    (folder / PIECES_FILE).write_text(json.dumps({"pieces": pieces, "scores": scores}, ensure_ascii=False))
    return load(folder)


def load(folder: Path) -> Tokenizer:
    """The tokenizer that `train` wrote."""
    path = folder / PIECES_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run the prepare step first")
    stored = json.loads(path.read_text())
    return Tokenizer(stored["pieces"], stored["scores"])
