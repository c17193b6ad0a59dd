from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from auricle.protocol.client_messages import Start
from auricle_server.commands.transcript_formats import TranscriptFormat
from auricle_server.commands.transcription import NoServer, TranscriptionOptions, transcribe_all
from tests.support import tones

PCM, TEXT = tones.utterance(5, 6)
OPTIONS = TranscriptionOptions(Start(offline=True))


@pytest.fixture
def audio(tmp_path: Path) -> str:
    soundfile.write(tmp_path / "a.wav", PCM, 16_000)
    return str(tmp_path / "a.wav")


async def test_a_file_that_fails_is_counted_and_the_next_one_is_transcribed(
    tones_server: str, audio: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await transcribe_all(["/no/such.wav", audio], tones_server, "demo", OPTIONS) == 1
    captured = capfd.readouterr()
    assert captured.out.split() == f"==> {audio} <== {TEXT}".split()
    assert "/no/such.wav: no such file" in captured.err


async def test_results_go_into_the_folder_under_the_name_of_the_file(
    tones_server: str, audio: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder"
    options = TranscriptionOptions(Start(offline=True), kind=TranscriptFormat.SRT, output=out)
    assert await transcribe_all([audio], tones_server, "demo", options) == 0
    assert [path.name for path in out.iterdir()] == ["a.wav.srt"]
    assert " --> " in (out / "a.wav.srt").read_text()
    assert capfd.readouterr().out == ""


async def test_an_unreachable_server_ends_the_whole_run(audio: str) -> None:
    with pytest.raises(NoServer):
        await transcribe_all([audio, audio], "ws://127.0.0.1:1", "demo", OPTIONS)


async def test_a_model_that_does_not_load_ends_the_whole_run(audio: str) -> None:
    with pytest.raises(NoServer, match=r"nowhere\.nemo"):
        await transcribe_all([audio], None, "/nowhere.nemo", OPTIONS)


async def test_a_notice_of_the_server_is_shown_and_the_file_is_transcribed(
    tones_server: str, audio: str, capfd: pytest.CaptureFixture[str]
) -> None:
    options = TranscriptionOptions(Start(offline=True, keyterms=("Łódź",)))
    assert await transcribe_all([audio], tones_server, "demo", options) == 0
    captured = capfd.readouterr()
    assert captured.out.split() == TEXT.split()
    assert f"note {audio}: " in captured.err
    assert "cannot write 'Łódź'" in captured.err
