from __future__ import annotations

from auricle_server.bench.clips import load_clips
from auricle_server.bench.server.expected_words import reference_texts
from auricle_server.bench.server.speech_script import script
from auricle_server.bench.transcripts import error_rate
from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine.build import Hardware


def test_every_clip_of_a_script_has_its_own_words() -> None:
    clips, streams, seconds = load_clips(), (0, 5), 14.0
    texts = reference_texts(load_checkpoint("demo"), streams, 1120, seconds, hardware=Hardware("cpu"), threads=1)
    spoken = {
        (stream, index): clips[speech.clip].text
        for stream in streams
        for index, speech in enumerate(script(clips, stream, seconds))
    }
    assert texts.keys() == spoken.keys()
    for key, text in texts.items():
        errors = {reference: error_rate([reference], [text]) for reference in spoken.values()}
        assert min(errors, key=errors.__getitem__) == spoken[key]
