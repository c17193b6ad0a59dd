"""The programs that the page writes run, and open the stream with the page's settings."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import sys
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile

import auricle
from tests.console.console_page import console
from tests.support import tones
from tests.support.browser.chromium import NEEDS_CHROMIUM
from tests.webrtc.clips import RATE, clip, likeness

NODE = shutil.which("node")
PAGE = Path(__file__).parents[2] / "server/auricle_server/gateway/console/page"
TALK, SAID = tones.utterance(5, 3)
SECONDS = 60

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")

Start, Turn = auricle.Start, auricle.TurnSettings
CASES: dict[str, tuple[dict[str, Any], auricle.Start]] = {
    "defaults": ({}, Start()),
    "silence": (
        {"latencyMs": 560, "turn": {"silenceMs": 900, "eagerSilenceMs": 300}},
        Start(latency_ms=560, turn=Turn(silence_ms=900, eager_silence_ms=300)),
    ),
    "semantic": (
        {
            "refine": "auto",
            "turn": {"mode": "semantic", "endThreshold": 0.8, "eagerThreshold": 0.5, "minSilenceMs": 200},
        },
        Start(
            refine="auto",
            turn=Turn(mode="semantic", end_threshold=0.8, eager_threshold=0.5, min_silence_ms=200),
        ),
    ),
    "numbers": ({"textFormat": {"numbers": "smart"}}, Start(text_format=auricle.TextFormat(numbers="smart"))),
    "off": ({"turn": {"mode": "off"}}, Start(turn=Turn(mode="off"))),
    "words": (
        {"language": "en-US", "keyterms": ['of "that"', "für\\it"]},
        Start(language="en-US", keyterms=('of "that"', "für\\it")),
    ),
}
every_case = pytest.mark.parametrize("case", CASES)


async def written(language: str, case: str, url: str, *, keys: bool = False) -> str:
    """The page's program."""
    assert NODE is not None
    script = f"""
        const {{ program }} = await import({json.dumps((PAGE / "code.js").as_uri())});
        const {{ DEFAULTS, changed }} = await import({json.dumps((PAGE / "settings.js").as_uri())});
        const settings = changed(DEFAULTS, {json.dumps(CASES[case][0])});
        process.stdout.write(program({json.dumps(language)}, settings, {json.dumps(url)}, {json.dumps(keys)}));
    """
    return await printed(NODE, "--input-type=module", "--eval", script)


async def printed(*command: str, folder: Path | None = None) -> str:
    """What a command prints; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env={**os.environ}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        stdout, stderr = await process.communicate()
    assert process.returncode == 0, stderr.decode(errors="replace")
    return stdout.decode()


def start_in(program: str) -> auricle.Start:
    """The settings that a Python program opens its stream with."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "start":
            start: auricle.Start = eval(ast.unparse(node.value), {"auricle": auricle})
            return start
    raise AssertionError(program)


@every_case
async def test_the_python_program_opens_this_stream(case: str) -> None:
    assert start_in(await written("python", case, "ws://127.0.0.1:8765")) == CASES[case][1]


@pytest.mark.parametrize("case", ["defaults", "silence", "off"])
async def test_the_python_program_prints_the_words(case: str, tones_server: str, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "talk.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(TALK.tobytes())
    (tmp_path / "program.py").write_text(await written("python", case, tones_server))
    assert " ".join((await printed(sys.executable, "program.py", folder=tmp_path)).split()) == SAID


@every_case
async def test_the_pipeline_holds_this_service(case: str, tones_server: str) -> None:
    from pipecat.processors.filters.identity_filter import IdentityFilter

    from pipecat_auricle.settings import TurnDetection, start_message

    transport = SimpleNamespace(input=IdentityFilter, output=IdentityFilter)
    names: dict[str, Any] = {each: IdentityFilter() for each in ("user_aggregator", "llm", "tts")}
    names["transport"] = transport
    exec(await written("pipecat", case, tones_server), names)
    service = names["stt"]
    assert service in names["pipeline"].processors
    detection: TurnDetection = "vad" if case == "off" else "server"
    assert start_message(service._settings, detection, 16_000) == CASES[case][1]


@every_case
async def test_the_session_has_this_plugin(case: str, tones_server: str) -> None:
    from livekit.agents import AgentSession

    from livekit.plugins.auricle import STT

    names: dict[str, Any] = {}
    exec(await written("livekit", case, tones_server), names)
    session = names["session"]
    assert isinstance(session, AgentSession)
    expected = CASES[case][1]
    assert isinstance(session.stt, STT)
    start = session.stt.options.start()
    assert (start.latency_ms, start.language, start.refine) == (expected.latency_ms, expected.language, expected.refine)
    assert (start.keyterms, start.text_format) == (expected.keyterms, expected.text_format)
    if case != "off":  # then the plugin has a way of its own
        assert start.turn == expected.turn
        assert session.turn_detection == "stt"


@pytest.mark.parametrize("language", ["python", "pipecat", "livekit"])
async def test_the_key_comes_from_the_environment(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AURICLE_API_KEY", "secret")
    program = await written(language, "defaults", "ws://127.0.0.1:8765", keys=True)
    assert "AURICLE_API_KEY" in program
    compile(program, language, "exec")


@NEEDS_CHROMIUM
@pytest.mark.timeout(150)
async def test_the_javascript_program_prints_what_the_microphone_hears(auricle_url: str, tmp_path: Path) -> None:
    pcm, text = clip(leading=1.0, trailing=1.0)
    soundfile.write(tmp_path / "speech.wav", pcm, RATE)
    program = await written("javascript", "defaults", auricle_url)
    # A script that is evaluated imports nothing by a declaration.
    names, address, rest = re.fullmatch(r'import (\{[^}]+\}) from "([^"]+)";\n(.*)', program, re.DOTALL).groups()  # type: ignore[union-attr]
    async with console(auricle_url, tmp_path, speech=tmp_path / "speech.wav", calm=False) as opened:
        # As on a page of the user's own: that of the console allows no script from a Blob, which the worklet is there.
        await opened.page.open(f"{auricle_url.replace('ws', 'http', 1)}/healthz")
        lines = "globalThis.lines = []; const console = { log: (line) => lines.push(line) };"
        run = f"(async () => {{ {lines} const {names} = await import({json.dumps(address)});\n{rest} }})()"
        await opened.page.evaluate(f"globalThis.running = {run}; undefined")
        heard = await opened.page.until("lines.length >= 2 && lines.join(' ')")
    assert likeness(heard, text) > 0.8
