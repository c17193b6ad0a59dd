"""What the README shows works as shown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import auricle
from tests.support import tones

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PCM, TEXT = tones.utterance(5, 12)


def example(name: str, url: str) -> str:
    """The code block that carries this name, with the address of a server of ours."""
    (code,) = re.findall(rf"^```python {name}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 16
    return str(code).replace("ws://127.0.0.1:8765", url)


def run(code: str, **names: Any) -> dict[str, Any]:
    exec(compile(code, "README.md", "exec"), names)
    return names


async def test_client(tones_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for offset in range(0, len(PCM), 1600):
            yield PCM[offset : offset + 1600].tobytes()

    await run(example("client", tones_server))["captions"](chunks())
    assert " ".join(capsys.readouterr().out.split()) == TEXT


async def test_pipecat(tones_server: str) -> None:
    from pipecat.processors.filters.identity_filter import IdentityFilter

    transport = SimpleNamespace(input=IdentityFilter, output=IdentityFilter)
    yours = {name: IdentityFilter() for name in ("user_aggregator", "llm", "tts")}
    names = run(example("pipecat", tones_server), transport=transport, **yours)
    assert names["stt"] in names["pipeline"].processors


async def test_livekit(tones_server: str) -> None:
    from livekit.agents import NOT_GIVEN, AgentSession

    sessions: list[AgentSession[None]] = []

    class Noticed(AgentSession[None]):
        async def start(self, *arguments: Any, **options: Any) -> Any:
            sessions.append(self)
            return await super().start(*arguments, **options)

    names = run(example("livekit", tones_server))
    names["AgentSession"] = Noticed
    await names["entrypoint"](SimpleNamespace(room=NOT_GIVEN))
    await asyncio.sleep(0.1)
    assert sessions[0].turn_detection == "stt"
    await sessions[0].aclose()


async def test_turns_in_both_frameworks(tones_server: str) -> None:
    from pipecat_auricle.settings import turn_settings

    pipecat = turn_settings(run(example("pipecat-turns", tones_server))["stt"].settings, "server")
    livekit = run(example("livekit-turns", tones_server))["stt"].options.start().turn
    assert (pipecat.mode, pipecat.end_threshold, pipecat.max_silence_ms) == ("semantic", 0.8, 2000)
    assert (livekit.mode, livekit.end_threshold) == ("semantic", 0.7)
    for turn in (pipecat, livekit):
        async with auricle.connect(tones_server, start=auricle.Start(turn=turn)) as stream:
            assert {"words", "punctuation"} <= set(stream.ready.turn_signals)


async def test_the_second_pass(tones_server: str) -> None:
    assert run(example("keyterms", tones_server))["stt"].options.start().keyterms == ("Brookfield",)
    start = run(example("refine", tones_server))["stt"].options.start()
    assert (start.latency_ms, start.refine) == (80, "on")
    async with auricle.connect(tones_server, start=start) as stream:
        await stream.send(PCM.tobytes())
        await stream.end()
        finals = [event async for event in stream if isinstance(event, auricle.Final) and event.text]
    assert " ".join(final.text for final in finals) == TEXT
    assert all(final.refined for final in finals)


def test_every_link_into_the_repository_leads_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", (ROOT / page).read_text()):
            assert (ROOT / target).exists(), f"{page} links to {target}"


def test_every_command_exists() -> None:
    from auricle_server.commands.app import app

    known = {command.callback.__name__ for command in app.registered_commands if command.callback}
    named = set(re.findall(r"`?auricle (\w+)", "\n".join(re.findall(r"^(?:\|.*)?auricle .*$", README, re.MULTILINE))))
    assert named <= known
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make (\w[\w-]*)", README)) <= targets
