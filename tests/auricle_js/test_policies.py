"""When the JavaScript client accepts audio and tries again, and which settings it refuses: as the Python client."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from auricle import ConnectionFailed, ReconnectPolicy, ServerFull, ServerRestarting, Start, TextFormat, TurnSettings
from auricle._stream.stream_input import SendWindow
from auricle.protocol.settings import InvalidMessage, Replacement
from tests.auricle_js.listening import camel
from tests.auricle_js.models import SEEDS, of_javascript, rounded
from tests.support.browser.node import NEEDS_NODE

pytestmark = NEEDS_NODE


async def test_more_audio_is_accepted_at_the_same_moments(tmp_path: Path) -> None:
    given, expected = [], []
    for seed in SEEDS:
        rng = random.Random(seed)
        seconds = rng.choice([0.5, 2.0, 20.0])
        window, now, steps, told = SendWindow(seconds, 2.0), 0.0, [], []
        for _ in range(60):
            now += rng.uniform(0, 1)
            unsent, added = rng.uniform(0, 2 * seconds), rng.uniform(0, 60)
            name = rng.choice(["interrupted", "sent", "allows", "stalls"])
            values = {"interrupted": (added, now), "sent": (unsent,)}.get(name, (unsent, added, now))
            steps.append((name, *values))
            told.append(getattr(window, name)(*values))
        given.append({"seconds": seconds, "steps": steps})
        expected.append(told)
    assert await of_javascript("window", given, tmp_path) == expected


async def test_attempts_are_made_at_the_same_moments(tmp_path: Path) -> None:
    given, expected = [], []
    for seed in SEEDS:
        rng = random.Random(seed)
        options: dict[str, Any] = {
            "attempts": rng.choice([0, 1, 10]),
            "jitter": rng.choice([0.0, 0.5, 1.0]),
            "replay_seconds": rng.choice([0, 5, 60]),
            "wait_while_full": rng.random() < 0.5,
        }
        policy = ReconnectPolicy(first_delay=0.2, max_delay=5.0, **options)
        steps, told = [], []
        for _ in range(30):
            step: dict[str, Any] = {
                "kind": rng.choice(["full", "restarting", "lost"]),
                "attempt": rng.choice([1, 2, 5, 11, 500]),
                "draw": rng.random(),
                "outage": rng.uniform(0, 80),
                "retryAfter": rng.choice([None, 1, 30, 3600]),
                "permanent": rng.random() < 0.2,
            }
            error = error_of(step)
            steps.append(step)
            told.append(
                [
                    1000 * policy.delay(step["attempt"], error, step["draw"]),
                    policy.waits(error, step["outage"]),
                    policy.gives_up(step["attempt"], error, step["outage"]),
                ]
            )
        given.append({"options": options | {"first_delay_ms": 200, "max_delay_ms": 5000}, "steps": steps})
        expected.append(told)
    assert rounded(await of_javascript("policy", given, tmp_path)) == rounded(expected)


def error_of(step: dict[str, Any]) -> Any:
    match step["kind"]:
        case "full":
            return ServerFull(step["retryAfter"])
        case "restarting":
            return ServerRestarting(retry_after=step["retryAfter"])
    return ConnectionFailed("lost", "", permanent=step["permanent"])


async def test_the_same_settings_are_refused(tmp_path: Path) -> None:
    given: list[dict[str, Any]] = []
    expected: list[str | None] = []
    for seed in range(300):
        settings, values = random_settings(random.Random(seed))
        given.append({"settings": settings})
        try:
            turn = TurnSettings(**values.pop("turn"))
            replace = tuple(Replacement(**each) for each in values.pop("replace"))
            Start(turn=turn, text_format=TextFormat(replace=replace), **values)
            expected.append(None)
        except InvalidMessage as error:
            expected.append(error.field)
    told = await of_javascript("start", given, tmp_path)
    assert 50 < sum(each is None for each in expected) < 250
    for settings, refused, start in zip(given, expected, told, strict=True):
        assert ("refused" in start) is (refused is not None), (settings, refused, start)


def random_settings(rng: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings as JavaScript writes them and as Python does, of which few have one value that is wrong."""
    values: dict[str, Any] = {
        "latency_ms": rng.choice([None, 80, 560]),
        "language": rng.choice([None, "en", "auto"]),
        "encoding": rng.choice(["pcm_s16le", "mulaw", "alaw"]),
        "sample_rate": rng.choice([8_000, 16_000, 48_000]),
        "refine": rng.choice(["off", "on", "auto"]),
        "turn": {
            "mode": rng.choice(["off", "silence", "semantic"]),
            "silence_ms": rng.choice([80, 500, 10_000]),
            "eager_silence_ms": rng.choice([None, 80, 200, 600]),
            "end_threshold": rng.choice([0.1, 0.75, 1]),
            "eager_threshold": rng.choice([None, 0.05, 0.5]),
            "min_silence_ms": rng.choice([80, 160]),
            "max_silence_ms": rng.choice([160, 2500, 10_000]),
            "max_turn_seconds": rng.choice([None, 1, 60.5, 3600]),
            "expect": rng.choice(["none", "digits", "letters"]),
        },
        "replace": [{"search": rng.choice(["a b", "c"]), "replacement": rng.choice(["", "d"])}],
    }
    if rng.random() < 0.4:
        wrong: list[tuple[Any, str, Any]] = [
            (values, "latency_ms", rng.choice([0, -80, 80.5])),
            (values, "sample_rate", rng.choice([7_999, 48_001, 8000.5])),
            (values, "encoding", "opus"),
            (values, "refine", "yes"),
            (values["turn"], "silence_ms", rng.choice([79, 10_001, 100.5])),
            (values["turn"], "end_threshold", rng.choice([0, 1.01, -1])),
            (values["turn"], "max_turn_seconds", rng.choice([0.5, 3601])),
            (values["turn"], "mode", "vad"),
            (values["turn"], "expect", "words"),
            (values["replace"][0], "search", rng.choice(["", "  ", "x" * 101])),
        ]
        where, name, value = rng.choice(wrong)
        where[name] = value
    settings = camel({name: value for name, value in values.items() if name != "replace"})
    settings["textFormat"] = {"replace": values["replace"]}
    return settings, values
