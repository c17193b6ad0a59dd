"""Columns appear where they tell something."""

from __future__ import annotations

from auricle_server.bench.quality.bootstrap import Estimate
from auricle_server.bench.quality.comparison import PairedDifference, compare
from auricle_server.bench.quality.quality_figures import Share
from auricle_server.bench.quality.report.summary import (
    NONE,
    behaviour_columns,
    comparison_rows,
    ends_columns,
    estimate,
    label,
    language_rows,
    remarks,
    share,
    signed,
    spread,
    words_columns,
)
from auricle_server.bench.report.summaries import Spread
from tests.auricle_server.bench.quality.builders import row, score

SCORE = score("call him back", "call him", speech=[(0, 3)], turn_ends=[3.5])


def test_one_system_is_not_named_in_its_rows() -> None:
    one = row({0: SCORE})
    assert next(head for head, _ in words_columns([one])) == "Setting"
    assert label(one, [one]) == "live, 560 ms"


def test_systems_and_cures_are_named_where_they_differ() -> None:
    rows = [row({0: SCORE}), row({0: SCORE}, cures="off"), row({0: SCORE}, name="other server", cures=None)]
    assert [label(each, rows) for each in rows] == [
        "server, cures profile, live, 560 ms",
        "server, cures off, live, 560 ms",
        "other server, live, 560 ms",
    ]


def test_cells_of_words() -> None:
    one = row({0: SCORE})
    cells = {head: cell(one) for columns in (words_columns, ends_columns) for head, cell in columns([one])}
    assert cells["Words"] == "3"
    assert cells["WER (95 %)"] == "33.3 % (33.3–33.3)"
    assert cells["Sub / del / ins"] == "0 / 1 / 0"
    assert (cells["Lost at starts"], cells["Lost at ends"]) == ("0 in 0", "1 in 1")
    assert (cells["First word wrong"], cells["Last word wrong"]) == ("0 of 1", "1 of 1")


def test_delays_or_speed_are_shown_as_measured() -> None:
    fast = row({0: SCORE}, wall_seconds=5.0)
    heads = {head: cell(fast) for head, cell in behaviour_columns([fast])}
    assert heads["Real-time factor"] == "0.500"
    assert heads["Turn end after speech p50 / p95"] == "0.50 / 0.50 s"
    assert "Finalize to final p50 / p95" not in heads
    assert "Language wrong" not in heads
    paced = row({0: score("a", "a", realtime=True, spoken="de", told="auto", named="fr")}, realtime=True)
    heads = {head: cell(paced) for head, cell in behaviour_columns([paced])}
    assert heads["Finalize to final p50 / p95"] == "0.05 / 0.05 s"
    assert heads["Speech to final p50 / p95"] == NONE
    assert heads["Language wrong"] == "1 of 1"
    assert "Real-time factor" not in heads


def test_verdicts() -> None:
    right, wrong = score("come here", "come here"), score("come here", "come")
    rows = [row({0: right}), row({0: wrong}, cures="off")]
    assert comparison_rows(rows, compare(rows))[0][-2:] == ["+50.0 (+50.0 to +50.0)", "more errors"]
    doubt = PairedDifference(0, 1, 9, Estimate(-1.0, -2.0, 0.5))
    less = PairedDifference(0, 1, 9, Estimate(-1.0, -2.0, -0.5))
    assert [cells[-1] for cells in comparison_rows(rows, [doubt, less])] == ["no clear difference", "fewer errors"]


def test_languages_have_lines_where_there_are_several() -> None:
    assert language_rows([row({0: SCORE})]) == []
    rows = [row({0: SCORE, 1: score("ja", "nein", language="de")})]
    assert [cells[1:4] for cells in language_rows(rows)] == [["de", "1", "1"], ["en", "1", "3"]]


def test_what_was_left_out_is_said() -> None:
    rows = [row({0: SCORE}, failures={1: "the stream broke"}, unoffered={"de": 2, "fr": 1})]
    first, second = remarks(rows)
    assert first == "live, 560 ms: demo does not offer the language of some recordings: 2 in de, 1 in fr."
    assert second == "live, 560 ms: 1 recordings failed, the first with: the stream broke"
    assert remarks([row({0: SCORE})]) == []


def test_what_is_not_known_is_a_dash() -> None:
    assert [estimate(None), share(Share(0, 0)), spread(None), spread(Spread.of([]))] == [NONE] * 4
    assert signed(Estimate(1.25, -0.5, 3.0)) == "+1.2 (-0.5 to +3.0)"
