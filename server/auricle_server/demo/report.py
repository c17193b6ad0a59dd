"""The demo's closing tables."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from auricle_server.demo.scores import MAX_WORD_ERROR_RATE, ScoreTable, TrackScore, wrong_tokens
from auricle_server.demo.track import Track


def details(tracks: Sequence[tuple[Track, Sequence[TrackScore]]]) -> Table:
    """A section for each utterance: the reference, and the transcript of each stream."""
    table = Table(title="Reference and transcripts", title_justify="left", expand=True)
    table.add_column("adapter", no_wrap=True)
    table.add_column("chunk", justify="right", no_wrap=True)
    table.add_column("reference / hypothesis", ratio=1)
    for name in ("WER", "speech end\n→ final", "speech end\n→ turn end"):
        table.add_column(name, justify="right", no_wrap=True)
    for number in range(len(tracks[0][1])):
        utterance = tracks[0][0].programme.utterances[number]
        table.add_row("reference", "", Text(utterance.text, style="bold cyan"), "", "", "")
        for track, scores in tracks:
            score = scores[number]
            table.add_row(track.adapter, f"{track.latency_ms} ms", _marked(score), *_cells(score))
        table.add_section()
    return table


def _marked(score: TrackScore) -> Text:
    """The hypothesis with its wrong words in red."""
    if not score.hypothesis:
        return Text("no transcript", style="red")
    wrong = wrong_tokens(score.reference, score.hypothesis)
    tokens = enumerate(score.hypothesis.split())
    return Text(" ").join(Text(token, style="red" if index in wrong else "") for index, token in tokens)


def _cells(score: TrackScore) -> tuple[Text, str, str]:
    turn = _seconds(score.turn_delay)
    if score.turn_ends > 1:
        turn = f"{turn} ({score.turn_ends} ends)"
    return _rate(score.word_error_rate), _seconds(score.final_delay), turn


def summary(lines: Sequence[ScoreTable]) -> Table:
    """One line for each stream: word error rate over all utterances, median delays."""
    table = Table(title="All clips: word error rate and median delays", title_justify="left")
    table.add_column("adapter")
    for name in ("chunk", "WER", "speech end → final", "speech end → turn end"):
        table.add_column(name, justify="right")
    for line in lines:
        delays = _seconds(line.final_delay), _seconds(line.turn_delay)
        table.add_row(line.adapter, f"{line.latency_ms} ms", _rate(line.word_error_rate), *delays)
    return table


def _rate(rate: float) -> Text:
    style = "green" if rate == 0 else "red" if rate > MAX_WORD_ERROR_RATE else "yellow"
    return Text(f"{rate:.0%}", style=style)


def _seconds(delay: float | None) -> str:
    return "[red]missing[/]" if delay is None else f"{delay:.2f} s"
