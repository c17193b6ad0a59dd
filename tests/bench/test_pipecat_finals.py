"""The measuring itself, with one short utterance said for real into several pipelines at once."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import asdict, replace

import pytest
from pipecat.frames.frames import TranscriptionFrame
from rich.console import Console

from auricle_server.bench.report.summaries import Spread
from auricle_server.config import ServerConfig
from auricle_server.serving.in_process_server import serve_locally
from pipecat_auricle import AuricleSTTService
from pipecat_auricle.frames import Output
from tests.bench import bench_pipecat_finals as bench
from tests.bench.pipecat_finals.events import FinalSeen, Ttfb, VadStop
from tests.bench.pipecat_finals.pipeline import FRAME_SECONDS, STOP_SECONDS, UtteranceLog, conversation
from tests.bench.pipecat_finals.results import MOST_DIFFERENCE_MS, MOST_MS, LatencyRow, outcome, row
from tests.bench.pipecat_finals.run import service
from tests.bench.pipecat_finals.utterances import SAMPLE_RATE, TRAIL_SECONDS, Utterance, utterances

DELAY = 0.25
LATENCY_MS = 160
SAID = Utterance("yes please", "nobody", bytes(2 * SAMPLE_RATE), 0.5)


class Slow(AuricleSTTService):
    """Gets its finals late."""

    async def _push(self, *items: Output) -> None:
        if any(isinstance(item, TranscriptionFrame) for item in items):
            await asyncio.sleep(DELAY)
        await super()._push(*items)


class Forgetful(AuricleSTTService):
    """Loses its finals."""

    async def _push(self, *items: Output) -> None:
        await super()._push(*(item for item in items if not isinstance(item, TranscriptionFrame)))


async def test_a_delay_shows_up_a_lost_final_is_counted_and_metric_and_frames_agree() -> None:
    said = min(utterances(8), key=lambda each: len(each.pcm))
    async with serve_locally(ServerConfig(max_load=0)) as url, AsyncExitStack() as stack:
        settings = AuricleSTTService.Settings(latency_ms=LATENCY_MS)
        services = (service(url, LATENCY_MS), Slow(url=url, settings=settings), Forgetful(url=url, settings=settings))
        talks = [await stack.enter_async_context(conversation(stt)) for stt in services]
        heard = await asyncio.gather(*(talk.say(said) for talk in talks))
    usual, slow, forgetful = (row(LATENCY_MS, [each], talk.lateness) for each, talk in zip(heard, talks, strict=True))

    assert slow.ttfs.p50 - usual.ttfs.p50 == pytest.approx(1e3 * DELAY, abs=100)
    assert slow.after_stop.p50 - usual.after_stop.p50 == pytest.approx(1e3 * DELAY, abs=100)
    assert 1e3 * STOP_SECONDS <= usual.ttfs.p50 < 1e3 * (STOP_SECONDS + DELAY)
    assert max(usual.difference, slow.difference) <= MOST_DIFFERENCE_MS
    assert (usual.missing, slow.missing, forgetful.missing) == (0, 0, 1)
    assert forgetful.word_error_rate == 1.0 > usual.word_error_rate
    assert usual.ttfs.count == slow.ttfs.count == 1
    assert forgetful.ttfs.count == 0
    assert len(talks[0].lateness) == -(-len(said.pcm) // round(2 * SAMPLE_RATE * FRAME_SECONDS))


def heard_with(*events: VadStop | FinalSeen | Ttfb) -> UtteranceLog:
    return UtteranceLog(SAID, 10.0, events)


def test_only_the_last_stop_is_measured() -> None:
    made = outcome(
        heard_with(
            VadStop(10.4, 500.1), Ttfb(10.45, 0.25), FinalSeen(10.45, 500.35, "Yes.", True),
            VadStop(10.8, 500.5), Ttfb(10.9, 0.3), FinalSeen(10.9, 500.8, "Please.", True),
        )
    )  # fmt: skip
    assert (made.text, made.stops, made.ttfs) == ("Yes. Please.", 2, 0.3)
    assert made.measured == pytest.approx(0.3)
    assert made.after_stop == pytest.approx(0.1)
    assert made.detection == pytest.approx(0.3)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (VadStop(10.8, 500.5),),
        (VadStop(10.8, 500.5), FinalSeen(10.9, 500.8, "Yes please", False)),
        (VadStop(10.4, 500.1), Ttfb(10.45, 0.25), FinalSeen(10.45, 500.35, "Yes please", True), VadStop(10.8, 500.5)),
    ],
    ids=["no stop", "no transcript", "not finalized", "nothing after the last stop"],
)
def test_an_utterance_without_a_finalized_transcript_is_missing(events: tuple[VadStop | FinalSeen | Ttfb, ...]) -> None:
    made = row(80, [heard_with(*events)], [0.0])
    assert made.missing == 1
    assert made.problems == ["1 of 1 utterances without a final"]


def good() -> LatencyRow:
    spread = Spread(MOST_MS, MOST_MS, MOST_MS, MOST_MS, 40)
    return LatencyRow(80, 40, 0, 40, spread, spread, 1.0, spread, spread, 0.2, 2.0)


def test_the_verdict_names_what_is_wrong() -> None:
    late = replace(good(), lateness_p99=10.1)
    slow = replace(good(), ttfs=Spread(MOST_MS + 1, 400, 400, 400, 40))
    unsure = replace(good(), difference=5.1)
    assert good().problems == []
    assert late.problems == ["void: the client was 10.1 ms late (p99)"]
    assert slow.problems == ["p50 281 > 280 ms"]
    assert unsure.problems == ["void: metric and frames differ by 5.1 ms"]


def test_the_table_shows_every_setting_and_the_record_is_plain_json() -> None:
    options = bench.parse(["--url", "ws://secret.example", "--latency-ms", "80"])
    said = utterances(4)
    console = Console(record=True, width=80)
    console.print(bench.table([good()], 4))
    assert "280" in console.export_text()
    record = json.loads(json.dumps(bench.result(options, said, [good()])))
    assert record["figures"]["rows"][0]["ttfs"] == asdict(good().ttfs)
    assert record["versions"]["pipecat-ai"]
    assert "secret" not in json.dumps(record)


def test_the_same_utterances_every_time_each_with_its_silence() -> None:
    said = utterances(12)
    assert [(each.text, each.voice) for each in said] == [(each.text, each.voice) for each in utterances(12)]
    for each in said:
        assert len(each.pcm) / 2 / SAMPLE_RATE == pytest.approx(each.speech_end + TRAIL_SECONDS, abs=1e-3)
