from __future__ import annotations

from rich.console import Console

from auricle_server.demo.programme import Clip, compose
from auricle_server.demo.report import details, summary
from auricle_server.demo.scores import score_track, summarise
from auricle_server.demo.track import CaptionEvent, CaptionKind, Track


def test_the_tables_show_reference_transcript_and_delays() -> None:
    programme = compose([Clip("Book a table.", "ann", bytes(64_000), speech_end=1.5)])
    end = programme.utterances[0].speech_end
    captions = [
        CaptionEvent(CaptionKind.FINAL, "Book the table.", end + 0.61),
        CaptionEvent(CaptionKind.TURN_END, "", end + 0.71),
        CaptionEvent(CaptionKind.TURN_END, "", end + 0.92),
    ]
    track = Track("Pipecat", 160, programme, lambda _track, _caption: None, captions=captions)
    silent = Track("LiveKit", 80, programme, lambda _track, _caption: None)
    results = [(each, score_track(each)) for each in (track, silent)]
    console = Console(width=140, color_system=None)
    with console.capture() as captured:
        console.print(details(results), summary([summarise(*result) for result in results]))
    text = captured.get()
    for expected in ("Book a table.", "Book the table.", "160 ms", "33%", "0.61 s", "0.92 s (2 ends)", "no transcript"):
        assert expected in text
    assert text.count("missing") == 4  # final and turn end of the silent track, in both tables
