"""The merger of the JavaScript client makes of any events what the Python client's makes of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from auricle import TurnSettings
from auricle._stream.event_merger import EventMerger
from auricle.protocol import codec
from auricle.protocol.server_messages import (
    Final,
    Interim,
    LanguageSpan,
    NoWords,
    Settled,
    SpeechStarted,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Word,
)
from auricle.protocol.signals import Signals
from tests.auricle_js.listening import camel
from tests.auricle_js.models import SEEDS, of_javascript, rounded, wire, without_none
from tests.support.browser.node import NEEDS_NODE

pytestmark = NEEDS_NODE


def merger_case(seed: int) -> dict[str, Any]:
    """A stream of random events, in which connections change and turn settings too."""
    rng = random.Random(seed)
    turns = [
        TurnSettings("off"),
        TurnSettings(silence_ms=rng.choice([200, 500, 900])),
        TurnSettings("semantic", max_silence_ms=1500, expect=rng.choice(["none", "digits"])),
    ]
    turn = rng.choice(turns)
    steps: list[tuple[str, Any]] = []
    time = seq = 0.0
    for _ in range(rng.randrange(5, 60)):
        chance = rng.random()
        if chance < 0.06:
            steps.append(("resume", round(rng.uniform(0, 5), 3)))
            seq = 0
        elif chance < 0.1:
            steps.append(("change_turn", rng.choice(turns)))
        else:
            seq += 1
            time += rng.choice([0.0, 0.08, 0.16, 0.5, 2.0])
            steps.append(("event", random_event(rng, int(seq), round(time, 3))))
    return {"turn": turn, "steps": [*steps, ("finish", round(time + 1, 3))]}


def random_event(rng: random.Random, seq: int, time: float) -> Any:
    word = rng.choice(["one", "two three", "four."])
    start, end = round(max(0.0, time - rng.uniform(0, 1)), 3), time
    at: dict[str, Any] = {"seq": seq, "audio_time": time}
    judged: dict[str, Any] = {"backchannel": rng.choice([None, 0.02, 0.9]), "collected": rng.choice(["", "04"])}
    words = (Word("one", start, end, 0.9),) if rng.random() < 0.5 else ()
    spans = (LanguageSpan("en-US", start),) if rng.random() < 0.2 else ()
    final: dict[str, Any] = {
        "language": "en-US",
        "words": words,
        "languages": spans,
        "settled": start,
        "confidence": 0.5,
        **judged,
    }
    text = rng.choice([word, word, ""])
    kinds: list[Any] = [
        SpeechStarted(start=start, **at),
        Interim(text=word, start=start, end=end, language="auto", words=words, **at),
        Final(text=text, start=start, end=end, **final, **at),
        NoWords(start=start, end=end, **at),
        Settled(settled=start, **at),
        Signals(turn_open=rng.random() < 0.5, silence=0.2, **at),
        TurnEagerEnd(probability=0.5, speech_end=start, text=word, **judged, **at),
        TurnResumed(probability=0.1, **at),
        TurnEnd(probability=1.0, speech_end=start, text=text, **judged, **at),
    ]
    return rng.choice(kinds)


def merged_in_python(case: dict[str, Any]) -> list[Any]:
    merger = EventMerger(case["turn"])
    told: list[Any] = []
    for name, value in case["steps"]:
        if name == "change_turn":
            merger.change_turn(value)
            told.append(None)
        elif name == "resume":
            merger.resume(value)
            told.append(None)
        elif name == "finish":
            told.append([camel(wire(each)) for each in merger.finish(value)])
        else:
            # Through JSON, as it comes to the client.
            event = codec.decode_event(codec.encode_event(value))
            assert event is not None
            merged = merger.merge(merger.to_stream_time(event))  # type: ignore[arg-type]
            told.append([[camel(wire(each)) for each in merged], merger.speaking])
    return told


async def test_events_of_several_connections_become_those_of_one_stream(tmp_path: Path) -> None:
    cases = [merger_case(seed) for seed in SEEDS]
    given = [
        {
            "turn": without_none(case["turn"]),
            "steps": [
                (name, codec.encode_event(value) if name == "event" else settings_of(value))
                for name, value in case["steps"]
            ],
        }
        for case in cases
    ]
    for case, told in zip(cases, await of_javascript("merger", given, tmp_path), strict=True):
        assert rounded(told) == rounded(merged_in_python(case))


def settings_of(value: Any) -> Any:
    return without_none(value) if isinstance(value, TurnSettings) else value
