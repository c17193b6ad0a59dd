"""A checkpoint whose tokenizer spells characters in bytes, through a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Interim
from auricle_server.bench.models.random_vocabulary import RandomVocabulary, sentencepiece_model
from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from tests.support import tones
from tests.support.archives import unpack

BYTES = {"i": "<0xC3>", "t": "<0xB1>"}
SPELLED = {"with": "wñh", "it": "ñ", "in": "n", "is": "s", "his": "hs", "that": "tha"}
"""What these words become: "it" is an ñ, and half of it is nothing."""


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """The two-tone checkpoint with bytes in place of two of its letters."""
    folder = unpack(tones.CHECKPOINT, tmp_path / "bytes")
    pieces = tuple(BYTES.get(piece, piece) for piece in load_checkpoint(str(tones.CHECKPOINT)).pieces)
    config = yaml.safe_load((folder / "model_config.yaml").read_text())
    name = config["tokenizer"]["model_path"].removeprefix("nemo:")
    (folder / name).write_bytes(sentencepiece_model(RandomVocabulary(pieces)))
    return folder


@pytest.mark.parametrize("latency_ms", [80, 1120])
async def test_words_have_characters_in_place_of_bytes(checkpoint: Path, latency_ms: int) -> None:
    said = [tones.utterance(seed, 6, trailing=0.9) for seed in range(4)]
    finals, interims = [], []
    async with (
        serve_locally(ServerConfig(model=str(checkpoint), max_load=0)) as url,
        auricle.connect(url, start=Start(latency_ms=latency_ms, words=True)) as stream,
    ):
        for audio, _ in said:
            await stream.send(audio.astype("<i2").tobytes())
        await stream.end()
        async for event in stream:
            finals += [event] if isinstance(event, Final) else []
            interims += [event.text] if isinstance(event, Interim) else []
    expected = " ".join(SPELLED.get(word, word) for _, text in said for word in text.split())
    assert "ñ" in expected
    assert " ".join(final.text for final in finals if final.text) == expected
    assert [word.text for final in finals for word in final.words] == expected.split()
    assert not [text for text in interims if "<0x" in text or "\ufffd" in text]
