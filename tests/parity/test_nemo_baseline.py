"""NeMo as the benches run it hears what it should: the baseline is no straw man."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auricle_server.bench.baselines.nemo import NemoModel
from auricle_server.bench.engine.rounds import EngineSide
from auricle_server.bench.models.blank_bias import with_blank_bias
from auricle_server.bench.models.random_weights import random_checkpoint
from auricle_server.bench.models.replicas import write_nemo
from auricle_server.bench.transcripts import word_errors
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.engine import Engine
from tests.support import tones

STREAMS, CHUNK = 3, 560 * 16


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_it_hears_the_words(batch: int) -> None:
    model = NemoModel(tones.CHECKPOINT, device="cpu", dtype="float32")
    side = model.side((70, 6), STREAMS, batch)
    spoken = [tones.utterance(seed, 10) for seed in range(STREAMS)]
    rounds = max(len(pcm) for pcm, _ in spoken) // CHUNK + 2
    heard: list[list[str]] = [[] for _ in spoken]
    for number in range(rounds):
        chunks = np.zeros((STREAMS, CHUNK), np.int16)
        for row, (pcm, _) in enumerate(spoken):
            part = pcm[number * CHUNK : (number + 1) * CHUNK]
            chunks[row, : len(part)] = part
        side.round(chunks)
        for row, text in enumerate(side.texts()):
            heard[row].append(text)
    for texts, (_, said) in zip(heard, spoken, strict=True):
        longest = max(texts, key=len).split()
        assert len(longest) >= 5
        start = said.split()
        assert word_errors(longest, start[: len(longest)]) <= 2


def test_it_restores_an_archive_of_random_weights_and_agrees(tmp_path: Path) -> None:
    """NeMo's streaming features differ a little from its offline ones, so a few tokens may, too."""
    checkpoint = with_blank_bias(random_checkpoint("demo"), 4.875)  # it emits some tokens for tones, too
    archive = write_nemo(checkpoint, tmp_path / "random.nemo")
    theirs = NemoModel(archive, device="cpu", dtype="float32").side((70, 13), 1, 1)
    ours = EngineSide(Engine(load_checkpoint(str(archive)), slots=1, device="cpu"), 1, 1120)
    pcm = tones.utterance(5, 30)[0]
    size = 1120 * 16
    for number in range(len(pcm) // size):
        chunk = pcm[None, number * size : (number + 1) * size]
        theirs.round(chunk)
        ours.round(chunk)
    assert ours.tokens[0]
    assert "".join(theirs.texts())
