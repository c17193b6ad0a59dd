from __future__ import annotations

import pytest

from auricle_server.demo import pipecat_host
from auricle_server.demo.programme import Clip, compose
from auricle_server.demo.track import CaptionKind, Track
from tests.support import tones


@pytest.mark.timeout(120)
async def test_a_session_reports_interims_finals_and_one_turn_end(tones_server: str) -> None:
    pcm, text = tones.utterance(21, 6)
    clip = Clip(text, "tones", pcm.tobytes(), speech_end=len(pcm) / 16_000)
    track = Track("Pipecat", 160, compose([clip]), lambda _track, _caption: None)
    await pipecat_host.play(track, tones_server)
    kinds = [caption.kind for caption in track.captions]
    assert kinds.count(CaptionKind.TURN_END) == 1
    assert kinds.index(CaptionKind.INTERIM) < kinds.index(CaptionKind.FINAL) <= kinds.index(CaptionKind.TURN_END)
    finals = [caption.text for caption in track.captions if caption.kind is CaptionKind.FINAL]
    assert " ".join(finals).split() == text.split()
    assert track.captions[-1].at >= clip.speech_end
