"""Addresses of e-mail and of the web."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from auricle_server.text.formatting.quantities import digit_of, read_small, word_at
from auricle_server.text.formatting.spoken_text import SpokenText, Written

_DOMAINS: Final = frozenset(
    "com org net edu gov io ai co uk de fr eu dev app info me us ca au in biz tv ch at nl it es se no ie nz jp".split()
)
_SEPARATORS: Final = {"dot": ".", "underscore": "_", "dash": "-", "hyphen": "-", "minus": "-", "plus": "+"}
_HYPHENS: Final = frozenset({"dash", "hyphen", "minus"})
_NO_NAMES: Final = frozenset(
    "a about address am and are available available by can click contact email find for found from go hello here i in "
    "info is it it's look me more my of on online or order out page please reach see shop site so somebody someone "
    "store that the them there to up us visit was website with work works you your".split()
)
"""Words that are no name before "at": "look at example dot com"."""
_NO_LABELS: Final = frozenset("a an and each every one or that the this".split())
_LONGEST_LABEL: Final = 63
"""Characters (RFC 1035, section 2.3.4)."""


def addresses(spoken: SpokenText, at: int) -> Sequence[Written]:
    """A `Rule`: "john dot smith at example dot com" is "john.smith@example.com"."""
    if not spoken.has_dot or not spoken.lower(at):
        return ()
    run = spoken.run(at)
    name, taken = _name(run)
    if name:
        domain, more = _domain(run[taken + 1 :])
        if domain:
            return (Written(f"{name}@{domain}", taken + 1 + more),)
    domain, taken = _domain(run)
    if not domain or taken == 1:
        return ()
    path, more = _path(run, taken)
    return (Written(domain + path, taken + more),)


def _name(run: Sequence[str]) -> tuple[str, int]:
    """What stands before "at", and how many tokens it takes; empty where it is no name."""
    name, at, last = "", 0, "separator"
    while (word := word_at(run, at)) and not (word == "at" and name):
        spelled = None if word == "o" else digit_of(word)
        if word in _SEPARATORS:
            part, kind, fits = _SEPARATORS[word], "separator", last != "separator"
        elif len(word) == 1 or spelled is not None:
            part, kind, fits = spelled or word, "letter", last != "word" or spelled is not None
        elif (number := read_small(run[at:], 10, 9999)) is not None:
            part, kind, fits, at = str(number[0]), "letter", True, at + number[1] - 1
        else:
            part, kind, fits = word, "word", last in {"separator", "letter"} and word.isalnum()
        if not fits:
            return "", 0
        name, last, at = name + part, kind, at + 1
    lone = at == 1 and run[0] in _NO_NAMES
    article = at > 1 and run[0] in {"a", "i"} and len(run[1]) > 1 and run[1] not in _SEPARATORS
    named = word_at(run, at) == "at" and last != "separator" and not lone and not article
    return (name, at) if named else ("", 0)


def _domain(run: Sequence[str]) -> tuple[str, int]:
    """A domain with which a run begins, and how many tokens it takes; empty without one."""
    labels, at = list[str](), 0
    while word_at(run, 0) not in _NO_LABELS:
        label, taken = _label(run, at)
        if not label:
            break
        labels.append(label)
        at += taken
        if word_at(run, at) != "dot":
            break
        at += 1
    domain = ".".join(labels)
    ends = domain.rpartition(".")
    return (domain, at) if ends[0] and ends[2] in _DOMAINS and run[at - 1] != "dot" else ("", 0)


def _label(run: Sequence[str], at: int) -> tuple[str, int]:
    label, taken = "", 0
    while word := word_at(run, at + taken):
        if word in _HYPHENS and label:
            label, taken = f"{label}-", taken + 1
        elif (label and not label.endswith("-") and len(word) > 1) or not _is_label(word):
            break
        else:
            digit = None if word == "o" else digit_of(word)
            label, taken = label + (digit or word), taken + 1
            if len(word) > 1 and word_at(run, at + taken) not in _HYPHENS:
                break
    return ("", 0) if label.endswith("-") or len(label) > _LONGEST_LABEL else (label, taken)


def _is_label(word: str) -> bool:
    return word != "dot" and word.replace(".", "").isalnum()


def _path(run: Sequence[str], at: int) -> tuple[str, int]:
    path, taken = "", 0
    while word_at(run, at + taken) == "slash":
        label, more = _label(run, at + taken + 1)
        if not label:
            break
        path, taken = f"{path}/{label}", taken + 1 + more
    return path, taken
