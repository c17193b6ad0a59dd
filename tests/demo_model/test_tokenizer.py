from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sentencepiece

from demo_model import prompts, tokenizer
from demo_model.texts import sentences
from demo_model.texts.languages import LANGUAGES, tokenizer_text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, few_sentences: None) -> Path:
    path = tmp_path_factory.mktemp("tokenizer")
    tokenizer.train(path)
    return path


@pytest.fixture(scope="module")
def few_sentences() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokenizer, "TRAINING_SENTENCES", 3000)
        yield


@pytest.fixture(scope="module")
def multilingual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tokenizer.Tokenizer]:
    folder = tmp_path_factory.mktemp("tokenizer")
    return folder, tokenizer.train(folder, 200, itertools.islice(tokenizer_text(), 3000), prompts.TAGS)


def test_tokenizer_equals_sentencepiece(folder: Path) -> None:
    reference = sentencepiece.SentencePieceProcessor(model_file=str(folder / tokenizer.MODEL_FILE))
    ours = tokenizer.load(folder)
    assert len(ours.pieces) == 256
    assert ours.pieces[0] == "<unk>"
    for sentence in itertools.islice(sentences.generate(random.Random(1)), 300):
        tokens = ours.encode(sentence.text)
        assert tokens == reference.encode(sentence.text)
        assert ours.decode(tokens) == sentence.text


def test_tags_are_single_tokens_and_the_rest_is_cut_as_sentencepiece_cuts_it(
    multilingual: tuple[Path, tokenizer.Tokenizer],
) -> None:
    folder, own = multilingual
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / tokenizer.MODEL_FILE))
    for language in LANGUAGES:
        for sentence in itertools.islice(language.generate(random.Random(2), True), 20):
            assert own.encode(sentence.text) == processor.encode(sentence.text)
            text = prompts.tagged(sentence.text, language.code)
            tokens = own.encode(text)
            assert own.pieces[tokens[-1]] == f"<{language.code}>"
            assert own.decode(tokens) == text
