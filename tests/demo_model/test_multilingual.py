"""The multilingual recipe: texts, tags, prompts, and an archive that the engine's loader takes."""

from __future__ import annotations

import random
import re
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import sentencepiece
import torch

from auricle_server.checkpoints import load_checkpoint
from demo_model import export, prompts, tokenizer
from demo_model.audio import mixing
from demo_model.dataset import TrainingExample
from demo_model.network.model import DemoModel, PromptKernel, Shape
from demo_model.texts import french, german, italian, spanish
from demo_model.texts.languages import LANGUAGES, Language, tokenizer_text
from demo_model.texts.sentences import is_held_out

SMALL = Shape(tokens=200, channels=8, d_model=32, layers=1, heads=2, predictor=16, joint=16, left=56, prompts=128)


def example(seconds: float, language: str, text: str) -> TrainingExample:
    frames = int(seconds * 100)
    return TrainingExample(
        np.zeros((frames, 80), np.float16), np.zeros(frames // 2, np.int8), text, "v", "g", True, language
    )


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tokenizer.Tokenizer]:
    folder = tmp_path_factory.mktemp("tokenizer")
    return folder, tokenizer.train(folder, SMALL.tokens, islice(tokenizer_text(), 3000), prompts.TAGS)


@pytest.mark.parametrize("texts", [spanish, french, german, italian])
def test_every_slot_of_a_pattern_has_words(texts: ModuleType) -> None:
    slots = {slot for lines in texts.PATTERNS.values() for line in lines for slot in re.findall(r"\{(\w+)\}", line)}
    assert slots - {"digits"} <= set(texts.WORDS)
    assert len(texts.WORDS["digit"]) == 10
    assert len(texts.WORDS["weekday"]) == 7
    assert all(len(entry.split()) >= 2 for entry in texts.WORDS["date"])
    assert len(texts.WORDS["random"]) >= 300
    assert sum(map(len, texts.PATTERNS.values())) >= 100


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
def test_sentences_end_with_a_mark_and_held_out_ones_are_never_trained(language: Language) -> None:
    trained = list(islice(language.generate(random.Random(1)), 500))
    held_out = list(islice(language.generate(random.Random(1), True), 30))
    assert all(re.fullmatch(r"[^{}<>0-9]+[.?!]", sentence.text) for sentence in trained + held_out)
    assert not any(map(is_held_out, trained))
    assert all(map(is_held_out, held_out))


def test_a_tag_stands_behind_every_sentence() -> None:
    text = prompts.tagged("¿Qué hora es? Son las dos.", "es-ES")
    assert text == "¿Qué hora es? <es-ES> Son las dos. <es-ES>"
    assert prompts.untagged(text) == "¿Qué hora es? Son las dos."
    assert prompts.last_tag(text) == "es-ES"
    assert prompts.last_tag("Nothing.") is None
    assert prompts.tagged("", "es-ES") == ""


def test_tags_are_single_tokens_and_the_rest_is_cut_as_sentencepiece_cuts_it(
    pieces: tuple[Path, tokenizer.Tokenizer],
) -> None:
    folder, own = pieces
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / tokenizer.MODEL_FILE))
    for language in LANGUAGES:
        for sentence in islice(language.generate(random.Random(2), True), 20):
            assert own.encode(sentence.text) == processor.encode(sentence.text)
            text = prompts.tagged(sentence.text, language.code)
            tokens = own.encode(text)
            assert own.pieces[tokens[-1]] == f"<{language.code}>"
            assert own.decode(tokens) == text


def test_joined_speech_changes_its_prompt_where_it_changes_its_language() -> None:
    rows = [example(2, "de-DE", "Guten Tag."), example(3, "it-IT", "Buongiorno.")]
    joined = mixing.joined(*map(mixing.spoken, rows))
    assert joined.example.text == "Guten Tag. <de-DE> Buongiorno. <it-IT>"
    assert joined.stretches == (("de-DE", 0), ("it-IT", 200))
    assert len(joined.example.mel) == 500


def test_a_batch_is_told_its_language_or_to_find_it_out() -> None:
    rows = [example(2, "fr-FR", "Bonjour."), example(2, "en-US", "Hello.")] * 4
    rng = random.Random(0)
    seen = set()
    for _ in range(40):
        batch, given = mixing.draw(rows, rng)
        assert given.shape == batch.labels.shape[:2]
        for text, row in zip(batch.texts, given, strict=True):
            codes = re.findall(r"<(.*?)>", text)
            told = [prompts.PROMPT_OF[code] for code in codes]
            changes = torch.unique_consecutive(row).tolist()
            assert changes == [prompts.AUTO_PROMPT] or changes == list(dict.fromkeys(told)) or len(set(told)) == 1
            seen.add((len(codes), changes == [prompts.AUTO_PROMPT]))
    assert seen == {(1, True), (1, False), (2, True), (2, False)}


def test_the_prompt_kernel_is_nemos_and_begins_by_changing_little() -> None:
    kernel = PromptKernel(8, 16)
    encoded, given = torch.randn(2, 5, 8), torch.randint(0, 16, (2, 5))
    one_hot = torch.nn.functional.one_hot(given, 16).float()
    expected = kernel[2](torch.relu(kernel[0](torch.cat((encoded, one_hot), -1))))
    torch.testing.assert_close(kernel(encoded, given), expected)
    kernel.initialise()
    assert (kernel(encoded, given) - encoded).abs().max() < 0.2


def test_the_archive_is_a_prompted_checkpoint(pieces: tuple[Path, tokenizer.Tokenizer], tmp_path: Path) -> None:
    folder, own = pieces
    path = tmp_path / "small.nemo"
    export.write(DemoModel(SMALL), own, folder / tokenizer.MODEL_FILE, path)
    checkpoint = load_checkpoint(str(path))
    assert checkpoint.config.prompt is not None
    assert checkpoint.config.prompt.dictionary == prompts.dictionary()
    assert {"<es-ES>", "<en-US>"} <= set(checkpoint.pieces)


def test_training_goes_on_from_the_encoder_of_an_archive(
    pieces: tuple[Path, tokenizer.Tokenizer], tmp_path: Path
) -> None:
    folder, own = pieces
    before, after = DemoModel(SMALL), DemoModel(SMALL)
    export.write(before, own, folder / tokenizer.MODEL_FILE, tmp_path / "before.nemo")
    export.read(after, tmp_path / "before.nemo")
    mel, lengths = torch.randn(1, 100, 80), torch.tensor([100])
    expected, _ = before.encoder(mel, lengths, (56, 3))
    torch.testing.assert_close(after.encoder(mel, lengths, (56, 3))[0], expected, atol=2e-2, rtol=2e-2)
