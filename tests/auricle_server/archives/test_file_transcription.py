from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from auricle.client import AuricleClient
from auricle.events import StreamEvent
from auricle.protocol.client_messages import Start
from auricle_server.archives.file_transcription import RECONNECT, transcribe_channel
from auricle_server.audio_files import UnreadableAudio, open_audio
from tests.support import tones

PCM, TEXT = tones.utterance(5, 6)
START = Start(offline=True)


async def test_what_was_said_and_every_event(tones_server: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", PCM, 16_000)
    events: list[StreamEvent] = []
    async with AuricleClient(tones_server, reconnect=RECONNECT) as client:
        with open_audio(str(tmp_path / "a.wav")) as audio:
            heard = await transcribe_channel(client, START, audio, None, observe=events.append)
    assert " ".join(segment.text for segment in heard.segments) == TEXT
    assert heard.damage is None
    assert set(heard.segments) <= set(events)


async def test_nothing_to_read_is_an_error(tones_server: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", PCM, 16_000)
    async with AuricleClient(tones_server, reconnect=RECONNECT) as client:
        with open_audio(str(tmp_path / "a.wav")) as audio, pytest.raises(UnreadableAudio, match="no channel 2"):
            await transcribe_channel(client, START, audio, 2)
