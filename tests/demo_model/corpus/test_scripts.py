from __future__ import annotations

import itertools
from pathlib import Path

from demo_model.corpus import lines, scripts
from demo_model.texts.sentences import Sentence, is_held_out


def text_file(folder: Path, count: int = 400) -> Path:
    path = folder / "en.txt"
    path.write_text("\n".join(f"This is {word} of the sentences here." for word in words(count)))
    return path


def words(count: int) -> list[str]:
    return [
        "".join(letters) for letters in itertools.islice(itertools.product("bdfk", "aeiou", "lmnrst", "aeo"), count)
    ]


def test_shards_speak_every_line_before_one_comes_again(tmp_path: Path) -> None:
    script = scripts.Script((text_file(tmp_path),), held_out=False)
    spoken = [sentence for seed in range(4) for sentence in script.sentences(seed, 40) if sentence.group == lines.GROUP]
    texts = [sentence.text for sentence in spoken if ", " not in sentence.text]
    assert len(texts) == len(set(texts)) > 60
    assert script.sentences(2, 40) == script.sentences(2, 40)


def test_held_out_sentences_are_none_of_the_trained_ones(tmp_path: Path) -> None:
    file = text_file(tmp_path)
    trained = {s.text for seed in range(3) for s in scripts.Script((file,), False).sentences(seed, 96)}
    first = scripts.HELD_OUT_SEED
    held_out = [s for seed in range(2) for s in scripts.Script((file,), True).sentences(first + seed, 96)]
    assert not {s.text for s in held_out if len(s.text.split()) > 3} & trained
    assert all(is_held_out(Sentence(s.text, s.group)) for s in held_out if "," not in s.text)


def test_another_language_has_its_own_lines_and_patterns_and_no_english_ones(tmp_path: Path) -> None:
    (tmp_path / "it.txt").write_text("\n".join(f"Questa è la parola {word} della città." for word in words(40)))
    script = scripts.Script((tmp_path / "it.txt",), held_out=False, language="it-IT")
    groups = {sentence.group for seed in range(6) for sentence in script.sentences(seed, 20)}
    assert lines.GROUP in groups
    assert not groups & {"number", "spelling"}
    assert len(groups) > 2
