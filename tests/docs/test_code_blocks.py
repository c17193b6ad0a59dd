"""Every Python block of the README and the pages runs as shown.

The comment before a block says how: `script` as a program, `stream` with an open `stream`, `client` as a fragment,
`pipecat` and `livekit` with what a pipeline or a session needs. Some are looked at more closely, by their names.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import threading
import warnings
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import auricle
from tests.docs.pages import SERVER, Block, block, blocks
from tests.support import tones

PCM, TEXT = tones.utterance(5, 12)
TALK, SAID = tones.utterance(5, 3)
PYTHON = [each for each in blocks() if each.kind == "python"]
SECONDS = 30
RIVA = "127.0.0.1:50051"
PRINTS_WORDS = {
    *("raw-client", "offline", "deepgram-sdk", "deepgram-recordings", "flux-sdk"),
    *("openai-recordings", "openai-realtime", "litellm", "riva-client", "riva-realtime"),
}
"""Names of the programs that print what is said in the recording."""


def test_every_block_says_how_it_is_tested() -> None:
    assert PYTHON
    assert [str(each) for each in PYTHON if each.how not in RUN] == []
    names = [each.name for each in blocks() if each.name]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("each", PYTHON, ids=str)
def test_block(
    each: Block,
    tones_server: str,
    tones_riva: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AURICLE_URL", tones_server)
    with wave.open("talk.wav", "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(TALK.tobytes())
    RUN[each.how](at(each.code, tones_server).replace(RIVA, tones_riva), tones_server)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK of Deepgram leaves its connections open
        gc.collect()
    if each.name in PRINTS_WORDS:
        assert " ".join(capsys.readouterr().out.split()) == SAID


def at(code: str, url: str) -> str:
    """The code with the address of a server that runs."""
    code = code.replace(SERVER, url).replace(SERVER.replace("ws", "http", 1), url.replace("ws", "http", 1))
    return code.replace(SERVER.removeprefix("ws://"), url.removeprefix("ws://"))


def script(code: str, _: str) -> None:
    """A program, in a thread: it has an event loop of its own."""
    errors: list[BaseException] = []

    def target() -> None:
        try:
            run(code, __name__="__main__")
        except BaseException as error:  # noqa: BLE001  # raised again in the test
            errors.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def with_stream(code: str, url: str) -> None:
    """A fragment in a coroutine, with a stream on which something was said."""

    async def within() -> None:
        async with asyncio.timeout(SECONDS), auricle.connect(url) as stream:
            await stream.send(PCM.tobytes())
            await run_waiting(code, stream=stream)

    asyncio.run(within())


def fragment(code: str, _: str) -> None:
    """A fragment in a coroutine, with what a pipeline is made of."""
    from pipecat.processors.filters.identity_filter import IdentityFilter

    async def within() -> None:
        transport = SimpleNamespace(input=IdentityFilter, output=IdentityFilter)
        others = {name: IdentityFilter() for name in ("user_aggregator", "llm", "tts")}
        await run_waiting(code, transport=transport, **others)

    asyncio.run(within())


RUN: dict[str, Callable[[str, str], None]] = {
    "script": script,
    "stream": with_stream,
    "client": fragment,
    "pipecat": fragment,
    "livekit": fragment,
}


def run(code: str, **names: Any) -> dict[str, Any]:
    exec(compile(code, "page", "exec"), names)
    return names


async def run_waiting(code: str, **names: Any) -> dict[str, Any]:
    """Runs code that may wait at its top level."""
    compiled = compile(code, "page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    done = eval(compiled, names)
    if inspect.isawaitable(done):
        await done
    return names


# --- a closer look ---------------------------------------------------------------------------------------------------


def example(name: str, url: str) -> str:
    code = block(name).code
    assert len([line for line in code.splitlines() if line.strip()]) <= 16
    return at(code, url)


@pytest.mark.parametrize("name", ["readme-client", "captions"])
async def test_the_client_prints_the_words(name: str, tones_server: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for offset in range(0, len(PCM), 1600):
            yield PCM[offset : offset + 1600].tobytes()

    await run(example(name, tones_server))["captions"](chunks())
    assert " ".join(capsys.readouterr().out.split()) == TEXT


async def test_the_pipelines_hold_the_service(tones_server: str) -> None:
    from pipecat.processors.filters.identity_filter import IdentityFilter

    transport = SimpleNamespace(input=IdentityFilter, output=IdentityFilter)
    yours = {name: IdentityFilter() for name in ("user_aggregator", "llm", "tts")}
    for name in ("readme-pipecat", "pipeline", "vad"):
        names = run(example(name, tones_server), transport=transport, **yours)
        assert names["stt"] in names["pipeline"].processors


@pytest.mark.parametrize("name", ["readme-livekit", "session"])
async def test_the_sessions_start(name: str, tones_server: str) -> None:
    from livekit.agents import NOT_GIVEN, AgentSession

    sessions: list[AgentSession[None]] = []

    class Noticed(AgentSession[None]):
        async def start(self, *arguments: Any, **options: Any) -> Any:
            sessions.append(self)
            return await super().start(*arguments, **options)

    names = run(example(name, tones_server))
    names["AgentSession"] = Noticed
    await names["entrypoint"](SimpleNamespace(room=NOT_GIVEN))
    await asyncio.sleep(0.1)
    assert sessions[0].turn_detection == "stt"
    await sessions[0].aclose()


async def test_turns_in_both_frameworks(tones_server: str) -> None:
    from pipecat_auricle.settings import turn_settings

    pages = {each.how: each.name for each in blocks() if each.page == "docs/turns.md" and each.kind == "python"}
    pipecat = turn_settings(run(example(pages["pipecat"], tones_server))["stt"].settings, "server")
    livekit = run(example(pages["livekit"], tones_server))["stt"].options.start().turn
    assert (pipecat.mode, pipecat.end_threshold, pipecat.max_silence_ms) == ("semantic", 0.8, 2000)
    assert (livekit.mode, livekit.end_threshold) == ("semantic", 0.7)
    for turn in (pipecat, livekit):
        async with auricle.connect(tones_server, start=auricle.Start(turn=turn)) as stream:
            assert {"words", "punctuation"} <= set(stream.ready.turn_signals)


async def test_the_second_pass(tones_server: str) -> None:
    assert run(example("keyterms-livekit", tones_server))["stt"].options.start().keyterms == ("Brookfield",)
    start = run(example("refine", tones_server))["stt"].options.start()
    assert (start.latency_ms, start.refine) == (80, "on")
    async with auricle.connect(tones_server, start=start) as stream:
        await stream.send(PCM.tobytes())
        await stream.end()
        finals = [event async for event in stream if isinstance(event, auricle.Final) and event.text]
    assert " ".join(final.text for final in finals) == TEXT
    assert all(final.refined for final in finals)
