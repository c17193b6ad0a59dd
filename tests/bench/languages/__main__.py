"""Every language of a multilingual model, five at once through a real server: `python -m tests.bench.languages`.

Each talk is three held-out sentences. One stream of each language runs at a time, as fast as the server takes it,
first under ``auto`` and then told its language. Then talks that change their language midway: under ``auto``, with
an update of the language sent between the two, and with the prompt of the first language kept.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final, Interim
from auricle.protocol.settings import TurnSettings
from auricle_server.bench.report.results import record, write
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from demo_model.prompts import AUTO, PROMPT_OF
from tests.bench.languages.measures import LanguageTally, joined
from tests.bench.languages.table import markdown
from tests.bench.languages.talks import LanguageTalk, changing_talks, seconds, talks

FIRST_SEED = 5_000_000
LATENCIES = 80, 160, 320, 560, 1120
OFF = TurnSettings(mode="off")
KEPT = "kept"


@dataclass(frozen=True)
class Transcribed:
    """Finals by stretch of a talk, and when each stretch's language was first named, in seconds from its start."""

    finals: tuple[tuple[Final, ...], ...]
    named_after: tuple[float | None, ...]


async def hear(url: str, talk: LanguageTalk, latency_ms: int, told: str) -> Transcribed:
    """One talk through one stream.

    Args:
        url: Of the server.
        talk: Finalized at the end of each stretch.
        latency_ms: Of the stream.
        told: ``"auto"``, ``"told"`` (each stretch under its own language) or ``"kept"`` (under that of the first).
    """
    start = Start(latency_ms=latency_ms, language=AUTO if told == AUTO else talk.code, turn=OFF)
    async with auricle.connect(url, start=start) as stream:
        speaking = asyncio.create_task(speak(stream, talk, told))
        heard = await listen(stream, talk)
        await speaking
    return heard


async def speak(stream: auricle.Stream, talk: LanguageTalk, told: str) -> None:
    """Sends the stretches, each with its language before it where it is told, and a finalize behind it."""
    ends = [stretch.start for stretch in talk.stretches[1:]] + [len(talk.pcm)]
    for number, (stretch, end) in enumerate(zip(talk.stretches, ends, strict=True)):
        if number and told == "told":
            await stream.update(language=stretch.code)
        await stream.send(talk.pcm[stretch.start : end].tobytes())
        await stream.finalize(str(number))
    await stream.end()


async def listen(stream: auricle.Stream, talk: LanguageTalk) -> Transcribed:
    """Finals up to each finalize's, and the first event that names each stretch's language."""
    finals: list[list[Final]] = [[] for _ in talk.stretches]
    named: list[float | None] = [None] * len(talk.stretches)
    now = 0
    async for event in stream:
        if not isinstance(event, Interim | Final) or now == len(talk.stretches):
            continue
        stretch = talk.stretches[now]
        if named[now] is None and event.language == stretch.code:
            named[now] = event.audio_time - seconds(stretch.start)
        if isinstance(event, Final):
            finals[now] += [event] if event.text else []
            now += event.finalize_id is not None
    return Transcribed(tuple(map(tuple, finals)), tuple(named))


async def measure(url: str, spoken: Sequence[LanguageTalk], latency_ms: int, told: str) -> list[LanguageTally]:
    """A tally of each language, in the order of `PROMPT_OF`; of talks that change, the stretches behind the change."""
    tallies = {code: LanguageTally() for code in PROMPT_OF}
    for at in range(0, len(spoken), len(PROMPT_OF)):
        group = spoken[at : at + len(PROMPT_OF)]
        found = await asyncio.gather(*(hear(url, talk, latency_ms, told) for talk in group))
        for talk, heard in zip(group, found, strict=True):
            stretch = talk.stretches[-1]
            tallies[stretch.code].add(stretch.text, heard.finals[-1], stretch.code, heard.named_after[-1])
    return list(tallies.values())


def rows(tallies: Sequence[LanguageTally]) -> dict[str, dict[str, float]]:
    """Figures by language, and of all."""
    named: Iterable[tuple[str, LanguageTally]] = zip(PROMPT_OF, tallies, strict=True)
    return {code: tally.figures() for code, tally in named} | {"all": joined(tallies).figures()}


async def compare(options: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """Figures by latency and setting."""
    processes = os.cpu_count() or 1
    spoken = talks(options.talks, FIRST_SEED, processes)
    changing = changing_talks(max(1, options.talks // 2), 2 * FIRST_SEED, processes)
    figures = {}
    async with serve_locally(ServerConfig(max_load=0), model=options.model) as url:
        for latency in LATENCIES:
            for told in (AUTO, "told"):
                figures[f"{latency} ms {told}"] = rows(await measure(url, spoken, latency, told))
            for told in (AUTO, "told", KEPT) if latency in (160, 1120) else ():
                figures[f"{latency} ms changing {told}"] = rows(await measure(url, changing, latency, told))
            print(latency, {name: round(row["all"]["wer_percent"], 2) for name, row in figures.items()}, flush=True)
    return figures


def main() -> int:
    """Prints the tables and writes record and tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="demo-multilingual")
    parser.add_argument("--talks", type=int, default=40, help="of each language")
    parser.add_argument("--out", type=Path, help="folder of the record")
    options = parser.parse_args()
    figures = asyncio.run(compare(options))
    kept = {"model": options.model, "talks": options.talks}
    path = write(record("languages", kept, figures), options.out, f"languages-{Path(options.model).stem}")
    path.with_suffix(".md").write_text(markdown(figures, options.talks))
    print(markdown(figures, options.talks), path, sep="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
