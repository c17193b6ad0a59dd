"""What key terms do to recognition: how many names are heard, what it costs in ordinary sentences and in time."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from auricle_server.bench.transcripts import word_errors
from auricle_server.engine import Engine, Lease
from auricle_server.engine.key_terms.automaton import build_automaton
from auricle_server.engine.key_terms.piece_trie import PieceTrie
from auricle_server.text.key_terms import alphabet, spellings
from demo_model.texts.sentences import normalise
from tests.bench.keyterms.sentences import SpokenSentence

AT_ONCE = 48


@dataclass(frozen=True)
class Figures:
    """Of one list of terms, at one latency.

    Attributes:
        sentences: With a name each.
        heard: Of them, how many have their name, lower-cased, as whole words.
        recall: The share.
        wer_named: Word error rate of these sentences, percent.
        wer_ordinary: That of the ordinary ones.
        inserted: Terms in transcripts of sentences in which they were not said, all sentences together.
    """

    sentences: int
    heard: int
    recall: float
    wer_named: float
    wer_ordinary: float
    inserted: int


def transcribe(engine: Engine, spoken: Sequence[SpokenSentence], latency_ms: int, terms: tuple[str, ...]) -> list[str]:
    """The text of each sentence, every one in a stream of its own."""
    language, texts = engine.info.default_language, list[str]()
    for at in range(0, len(spoken), AT_ONCE):
        tokens: dict[Lease, list[int]] = {}
        for each in spoken[at : at + AT_ONCE]:
            lease = engine.open(latency_ms, language, terms)
            tokens[lease] = []
            engine.push(lease, each.pcm)
            engine.flush(lease, 0, last=True)
        while engine.ready:
            for row in engine.step().rows():
                tokens[row.lease] += row.tokens
        texts += ["".join(engine.info.pieces[t] for t in each).replace("\u2581", " ") for each in tokens.values()]
    return texts


def holds(text: str, term: str) -> bool:
    """Whether a text has a term as whole words, case and punctuation aside."""
    return re.search(rf"(?<![\w']){re.escape(normalise(term))}(?!\w)", normalise(text)) is not None


def wer(spoken: Sequence[SpokenSentence], texts: Sequence[str]) -> float:
    """Percent."""
    said = [normalise(each.text).split() for each in spoken]
    errors = sum(word_errors(want, normalise(got).split()) for want, got in zip(said, texts, strict=True))
    return 100 * errors / sum(map(len, said))


def measure(
    engine: Engine,
    named: Sequence[SpokenSentence],
    ordinary: Sequence[SpokenSentence],
    latency_ms: int,
    terms: tuple[str, ...],
) -> Figures:
    """Both kinds of sentences, with a list of terms."""
    texts = transcribe(engine, named, latency_ms, terms), transcribe(engine, ordinary, latency_ms, terms)
    heard = sum(holds(text, each.term or "") for each, text in zip(named, texts[0], strict=True))
    pairs = [
        (s.text, t)
        for group, found in zip((named, ordinary), texts, strict=True)
        for s, t in zip(group, found, strict=True)
    ]
    inserted = sum(holds(text, term) and not holds(said, term) for said, text in pairs for term in terms)
    return Figures(len(named), heard, heard / len(named), wer(named, texts[0]), wer(ordinary, texts[1]), inserted)


@dataclass(frozen=True)
class Cost:
    """Seconds of CPU time of this thread for the same audio, the fastest of several turns."""

    without: float
    one_row: float
    all_rows: float
    all_rows_many: float


def cost(
    engine: Engine, spoken: Sequence[SpokenSentence], latency_ms: int, few: tuple[str, ...], many: tuple[str, ...]
) -> Cost:
    """Batches of streams without terms, with terms in one row, in all rows, and long lists in all rows."""
    kinds = {"without": ((), ()), "one_row": (few, ()), "all_rows": (few, few), "all_rows_many": (many, many)}
    best = dict.fromkeys(kinds, float("inf"))
    for _ in range(5):
        for kind, (first, rest) in kinds.items():
            best[kind] = min(best[kind], _seconds(engine, spoken, latency_ms, first, rest))
    return Cost(**best)


def _seconds(
    engine: Engine, spoken: Sequence[SpokenSentence], latency_ms: int, first: tuple[str, ...], rest: tuple[str, ...]
) -> float:
    leases = []
    for index, each in enumerate(spoken):
        lease = engine.open(latency_ms, engine.info.default_language, rest if index else first)
        leases.append(lease)
        engine.push(lease, each.pcm)
    engine.step()  # learns the terms, and takes a row
    began = time.thread_time()
    while engine.ready:
        engine.step()
    seconds = time.thread_time() - began
    for lease in leases:
        engine.close(lease)
    return seconds


def learning(pieces: tuple[str, ...], seed: int = 9) -> dict[str, dict[str, float]]:
    """How long automata take to make, by how many phrases, and what they hold."""
    rng, letters, vocabulary = random.Random(seed), alphabet(pieces), PieceTrie(pieces)
    found = {}
    for count in (10, 100, 300, 1000):
        phrases = ["".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(4)) for _ in range(count)]
        began = time.thread_time()
        made = build_automaton([text for phrase in phrases for text in spellings(phrase, letters)], vocabulary)
        ms = 1000 * (time.thread_time() - began)
        found[str(count)] = {"ms": ms, "states": made.states, "arcs": len(made.tokens)}
    return found


def figures(each: Figures | Cost) -> dict[str, float]:
    """For the record."""
    return asdict(each)
