from __future__ import annotations

from pathlib import Path

import pytest
from rich.text import Text

from auricle_server.demo import picture as picture_module
from auricle_server.demo.picture import Picture
from auricle_server.demo.programme import Clip, compose
from auricle_server.demo.track import CaptionEvent, CaptionKind, Track


async def test_the_picture_holds_the_captions_and_the_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programme = compose([Clip("Book a table.", "ann", bytes(16_000), speech_end=0.4)])
    track = Track("Pipecat", 80, programme, lambda _track, _caption: None)
    path = tmp_path / "folder" / "demo.svg"
    picture = Picture(path, [track])
    picture.show_caption(track, CaptionEvent(CaptionKind.FINAL, "Book-a-table.", 0.0))
    monkeypatch.setattr(picture_module, "_AFTER_SPEECH_SECONDS", -programme.utterances[0].speech_end)
    await picture.show()  # the moment has come
    picture.save(Text("The-summary"))
    svg = path.read_text()
    assert "Book-a-table." in svg
    assert "The-summary" in svg
