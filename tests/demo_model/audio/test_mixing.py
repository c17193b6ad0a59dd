from __future__ import annotations

import random
import re

import numpy as np
import torch

from demo_model import prompts
from demo_model.audio import mixing
from demo_model.dataset import TrainingExample


def example(seconds: float, language: str, text: str) -> TrainingExample:
    frames = int(seconds * 100)
    return TrainingExample(
        np.zeros((frames, 80), np.float16), np.zeros(frames // 2, np.int8), text, "v", "g", True, language
    )


def test_joined_speech_changes_its_prompt_where_it_changes_its_language() -> None:
    rows = [example(2, "de-DE", "Guten Tag."), example(3, "it-IT", "Buongiorno.")]
    joined = mixing.joined(*map(mixing.spoken, rows))
    assert joined.example.text == "Guten Tag. <de-DE> Buongiorno. <it-IT>"
    assert joined.stretches == (("de-DE", 0), ("it-IT", 200))
    assert len(joined.example.mel) == 500


def test_a_batch_gets_its_language_or_auto_as_the_prompt() -> None:
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
