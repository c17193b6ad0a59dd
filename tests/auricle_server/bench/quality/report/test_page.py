"""The page: valid, self-contained, with audio and marked words."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.bench.quality.clip_scores import ClipScore
from auricle_server.bench.quality.report import page as page_module
from auricle_server.bench.quality.report.page import WORST, page, worst
from auricle_server.bench.quality.report.record import evaluation_record
from auricle_server.bench.quality.setting_run import EvaluationRow
from tests.auricle_server.bench.quality.builders import row, score

VOID = {"meta", "br"}


class Elements(HTMLParser):
    """Every element is closed in order; remembers tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def built(rows: list[EvaluationRow], scores: list[ClipScore], folder: Path) -> str:
    clips = [each.clip for each in scores]
    options = {"realtime": False, "streams": 4, "revision": "0123abcd"}
    return page(rows, clips, evaluation_record(rows, clips, options), folder)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "a <b>.wav", np.zeros(1_600), 16_000)
    return tmp_path / "a <b>.wav"


def test_words_are_marked_and_what_others_wrote_is_escaped(clip: Path) -> None:
    wrong = score("Call <him> back & wait.", "call her back wait now", path=clip, language="de")
    text = built([row({0: wrong})], [wrong], clip.parent)
    elements = Elements(text)
    assert "call <ins>her</ins> back wait <ins>now</ins>" in text  # what stands in brackets is no word
    assert "Call &lt;him&gt; back &amp; wait." in text
    assert "a &lt;b&gt;.wav" in text
    assert [each["lang"] for each in elements.all("td") if "lang" in each] == ["de"]
    assert {each["scope"] for each in elements.all("th")} == {"col", "row"}
    assert elements.all("html") == [{"lang": "en"}]
    assert "revision 0123abcd" in text


def test_audio_lies_in_the_page(clip: Path) -> None:
    wrong = score("call him", "call", path=clip)
    (audio,) = Elements(built([row({0: wrong})], [wrong], clip.parent)).all("audio")
    assert str(audio["src"]).startswith("data:audio/wav;base64,UklGR")
    assert audio["aria-label"] == "Recording 1: a <b>.wav"
    assert "controls" in audio


def test_long_audio_and_formats_that_browsers_do_not_play_are_linked(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "_EMBEDDED_BYTES", 100)
    wrong = score("call him", "call", path=clip)
    (audio,) = Elements(built([row({0: wrong})], [wrong], clip.parent / "pages")).all("audio")
    assert audio["src"] == "../a%20%3Cb%3E.wav"
    other = score("call him", "call", path=clip.with_suffix(".caf"))
    elements = Elements(built([row({0: other})], [other], clip.parent))
    assert elements.all("audio") == []
    assert elements.all("a") == [{"href": "a%20%3Cb%3E.caf"}]


def test_nothing_is_loaded_from_elsewhere(clip: Path) -> None:
    wrong = score("call him", "call", path=clip)
    text = built([row({0: wrong})], [wrong], clip.parent)
    assert "http" not in text
    assert Elements(text).all("script") == []


def test_letters_of_languages_without_spaces_stay_together(clip: Path) -> None:
    wrong = score("你好吗", "你号吗", language="zh", path=clip)
    assert "你<del>好</del> <ins>号</ins>吗" in built([row({0: wrong})], [wrong], clip.parent)


def test_the_worst_come_first_and_right_ones_not_at_all() -> None:
    scores = {0: score("a b", "a b"), 1: score("a b", "a x"), 2: score("a b", "")}
    other = {0: score("a b", "a b"), 1: score("a b c", "x y z"), 2: score("a b", "a b")}
    assert worst([row(scores), row(other, cures="off")]) == [1, 2]
    many = {number: score("a", "b") for number in range(WORST + 5)}
    assert len(worst([row(many)])) == WORST


def test_a_page_without_errors(clip: Path) -> None:
    right = score("call him", "call him", path=clip)
    text = built([row({0: right})], [right], clip.parent)
    assert "Every word of every recording is right." in text
    assert Elements(text).all("article") == []
