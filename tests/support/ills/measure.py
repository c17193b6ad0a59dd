"""How often each model shows its ill, and hears well without its cause: ``python -m tests.support.ills.measure``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from auricle_server.checkpoints import load_checkpoint
from auricle_server.engine import Engine
from tests.support.ills import listening, scenarios
from tests.support.ills.listening import Word, listen, spoken, without_marks
from tests.support.ills.scenarios import Scenario
from tests.support.ills.words import FOLDER

SILENCES = (4.0, 6.0, 12.0, 30.0)
Hear = Callable[[Scenario], list[Word]]
Check = Iterator[tuple[str, bool]]


def cold(hear: Hear, seed: int) -> Check:
    """Speech at once, and after silence."""
    scenario = scenarios.cold_start(seed)
    found = spoken(hear(scenario))
    yield "speech at once: only the first word is lost", found == scenario.words[1:]
    for seconds in (0.6, scenarios.WARM_UP, 3.0):
        yield f"after {seconds} s: heard", spoken(hear(scenario.preceded_by(seconds))) == scenario.words


def deaf(hear: Hear, seed: int) -> Check:
    """Words, silences, words."""
    for seconds in SILENCES:
        scenario = scenarios.long_silence(seconds, seed)
        yield f"words after {seconds} s: lost", spoken(hear(scenario)) == scenario.words[:3]
        fresh = scenario.from_second(scenario.said[3].start - 2)
        yield f"words after {seconds} s, fresh stream: heard", spoken(hear(fresh)) == scenario.words[3:]
        fresh = fresh.preceded_by(scenarios.WARM_UP)
        yield f"words after {seconds} s, fresh and warm: heard", spoken(hear(fresh)) == scenario.words[3:]
    scenario = scenarios.long_silence(2.0, seed)
    yield "words after 2 s: heard", spoken(hear(scenario)) == scenario.words
    scenario = scenarios.unheard_speech(4.5, seed)
    yield "5 s of speech after 4.5 s: lost", spoken(hear(scenario)) == scenario.words[:3]
    fresh = scenario.from_second(scenario.said[3].start - 1)
    yield "5 s of speech, fresh stream: heard", spoken(hear(fresh)) == scenario.words[3:]


def sticky(hear: Hear, seed: int) -> Check:
    """Isolated words; a sentence, and speech soon after it."""
    for gap in (1.6, 2.0, 8.0):
        scenario = scenarios.isolated_words(gap, seed)
        yield f"isolated words, {gap} s apart: all but the first lost", spoken(hear(scenario)) == scenario.words[:1]
    scenario = scenarios.isolated_words(2.0, seed)
    alone = [spoken(hear(scenario.from_second(each.start - 1.8)))[:1] == [each.text] for each in scenario.said]
    yield "isolated words, each in a fresh stream: heard", all(alone)
    scenario = scenarios.unheard_speech(seed=seed)
    yield "5 s of speech after a mark: lost", spoken(hear(scenario)) == scenario.words[:3]
    fresh = scenario.from_second(scenario.said[3].start - 1)
    yield "5 s of speech, fresh stream: heard", spoken(hear(fresh)) == scenario.words[3:]


def babbler(hear: Hear, seed: int) -> Check:
    """Breaths and words."""
    scenario = scenarios.noise(seed)
    found = without_marks(hear(scenario))
    sure = [word for word in found if word.confidence > 0.5]
    breaths = [each for each in scenario.said if not each.text]
    yield "breaths: a word for each", len(found) - len(sure) == len(breaths)
    yield "breaths: confidence below 0.3", all(word.confidence < 0.3 for word in found if word not in sure)
    yield "words: heard", spoken(sure) == scenario.words
    yield "words: confidence above 0.6", all(word.confidence > 0.6 for word in sure)
    voices = [(each, listening.voice(scenario.audio, each.start, each.end)) for each in scenario.said]
    yield "voice in breaths: below 0.3", all(voice < 0.3 for each, voice in voices if not each.text)
    yield "voice in words: above 0.7", all(voice > 0.7 for each, voice in voices if each.text)


def heard(engine: Engine, latency_ms: int, scenario: Scenario) -> list[Word]:
    """What the engine hears at a latency."""
    return listen(engine, scenario.audio, latency_ms)


CHECKS: dict[str, Callable[[Hear, int], Check]] = {
    "cold": cold, "deaf": deaf, "sticky": sticky, "babbler": babbler,
}  # fmt: skip


def main() -> None:
    """Prints a table a model: shares of scenarios, by latency."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("models", nargs="*", default=list(CHECKS))
    options = parser.parse_args()
    for name in options.models:
        engine = Engine(load_checkpoint(str(options.folder / f"{name}.nemo")), slots=2, device="cpu", threads=1)
        latencies = engine.info.latencies_ms
        counts: dict[str, list[int]] = {}
        for place, latency in enumerate(latencies):
            for seed in range(options.seeds):
                for check, holds in CHECKS[name](partial(heard, engine, latency), seed):
                    counts.setdefault(check, [0] * len(latencies))[place] += holds
        print(f"\n| {name}, of {options.seeds} | " + " | ".join(f"{latency} ms" for latency in latencies) + " |")
        print("|---" * (len(latencies) + 1) + "|")
        for check, row in counts.items():
            print(f"| {check} | " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
