"""sherpa-onnx as the benches run it hears what Auricle hears: the baseline is no straw man."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import sherpa_onnx

from auricle_server.bench.baselines.sherpa_onnx import SherpaModel, export
from auricle_server.bench.clips import load_clips
from auricle_server.bench.engine.rounds import EngineSide
from auricle_server.bench.transcripts import word_errors
from auricle_server.checkpoints.load import load_checkpoint, locate
from auricle_server.engine.engine import Engine

assert sherpa_onnx.__version__  # where it is not installed, this file is skipped

STREAMS = 4


@pytest.mark.slow
@pytest.mark.parametrize(("latency_ms", "right", "int8"), [(80, 0, False), (560, 6, False), (560, 6, True)])
def test_it_hears_the_words_that_auricle_hears(latency_ms: int, right: int, int8: bool) -> None:
    """Its features differ a little from NeMo's, so a few words may, too."""
    archive = locate("demo")
    checkpoint = load_checkpoint("demo")
    bins = checkpoint.config.mel.bins
    theirs = SherpaModel(archive, bins=bins, threads=1, int8=int8).side((70, right), STREAMS, 3)
    ours = EngineSide(Engine(checkpoint, slots=STREAMS, device="cpu"), STREAMS, latency_ms)
    clips, size = load_clips()[:STREAMS], latency_ms * 16
    rounds = max(len(clip.pcm) for clip in clips) // size + 2
    audio = np.zeros((STREAMS, rounds * size), np.int16)
    for row, clip in enumerate(clips):
        audio[row, : len(clip.pcm)] = clip.pcm
    for number in range(rounds):
        chunks = audio[:, number * size : (number + 1) * size]
        theirs.round(chunks)
        ours.round(chunks)
    heard = ["".join(checkpoint.pieces[token] for token in tokens).replace("▁", " ").split() for tokens in ours.tokens]
    words = sum(map(len, heard))
    assert words > 40
    differing = sum(word_errors(text.split(), own) for text, own in zip(theirs.texts(), heard, strict=True))
    assert differing <= 0.2 * words


@pytest.mark.slow
def test_the_export_of_a_model_with_language_prompts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without language prompts only"):
        export(locate("demo-multilingual"), (70, 6), tmp_path, int8=False)
    assert not list(tmp_path.iterdir())
