"""A server with the bundled English model for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from auricle_server.config import ServerConfig
from tests.support import tones
from tests.support.servers.server_thread import serving_in_a_thread


@pytest.fixture(scope="session")
def auricle_url() -> Iterator[str]:
    """URL of the server, which runs in a thread of its own, so that a busy test does not delay it."""
    with serving_in_a_thread(ServerConfig(max_load=0)) as url:
        yield url


@pytest.fixture(scope="session")
def tones_talk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A WAV file of four seconds for the server of the fixture `tones_server`, and its words."""
    pcm, text = tones.utterance(5, 8)
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, pcm, tones.SAMPLE_RATE)
    return path, text
