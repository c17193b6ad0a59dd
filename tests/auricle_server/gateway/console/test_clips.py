"""The list of the recordings."""

from __future__ import annotations

import soundfile

from auricle_server.demo.programme import AUDIO_FOLDER
from auricle_server.gateway.console.clips import clip_list


def test_every_recording_is_in_the_list_with_its_text() -> None:
    clips = clip_list()
    assert [clip["url"] for clip in clips] == sorted(path.name for path in AUDIO_FOLDER.glob("*.wav"))
    for clip in clips:
        assert clip["name"] == clip["url"].removesuffix(".wav")
        assert clip["text"]
        assert clip["turns"]
        assert "file" not in clip
        assert abs(soundfile.info(AUDIO_FOLDER / clip["url"]).duration - clip["duration"]) < 0.001
