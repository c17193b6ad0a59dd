"""The course of a run: two servers, callers on both, and what is done to them meanwhile."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.calls import LiveCalls
from tests.torture.plan import Plan, Target
from tests.torture.process_faults import FaultRun, batter
from tests.torture.result import TrialResult
from tests.torture.server_process import ServerProcess, can_mount, serving
from tests.torture.trials.catalogue import TRIALS, run_trial
from tests.torture.usage import Usage, watch

QUIET = 0.08
"""Share of the time before the trials and after them, in which memory, descriptors and latency are measured."""
_LEAST_QUIET = 12.0
"""Seconds after the trials: what cut clients have left is kept for ten."""
_DESCRIPTORS = 1024
"""What many systems give a process."""
_STALL_SECONDS = 5.0


@dataclass
class Report:
    """What a run found.

    Attributes:
        plan: The amounts.
        trials: One result for each thing that was done, the live calls included.
        usage: Of the server whose processes nobody kills.
        seconds: How long all of it took.
    """

    plan: Plan
    trials: list[TrialResult] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether nothing failed anywhere."""
        return all(trial.holds for trial in self.trials)


async def torture(plan: Plan, folder: Path, only: Sequence[str] = tuple(TRIALS)) -> Report:
    """Runs everything once.

    Args:
        plan: How much of everything.
        folder: Gets the servers' logs and temporary files.
        only: Names of the hostile trials to run.
    """
    report, began = Report(plan), time.monotonic()
    async with AsyncExitStack() as stack:
        small_disk = await can_mount(folder)
        steady = await stack.enter_async_context(
            serving(
                folder / "steady",
                descriptors=_DESCRIPTORS,
                riva=True,
                variables={"AURICLE_STALL_SECONDS": str(_STALL_SECONDS)},
            )
        )
        battered = await stack.enter_async_context(serving(folder / "battered", gateways=2, small_disk=small_disk))
        report.trials += await _steady_and_battered(plan, steady, battered, report.usage, only)
    for name, server in (("steady", steady), ("battered", battered)):
        report.trials.append(_judged(name, server))
    report.seconds = time.monotonic() - began
    return report


async def _steady_and_battered(
    plan: Plan, steady: ServerProcess, battered: ServerProcess, usage: Usage, only: Sequence[str]
) -> list[TrialResult]:
    calls = LiveCalls(steady.url, plan.steady_calls, 1000 * plan.seed, "steady call ", plan.answer_timeout)
    battered_calls = LiveCalls(
        battered.url, plan.battered_calls, 1000 * plan.seed + 500, "battered call ", plan.answer_timeout
    )
    faults, spans = FaultRun(plan.seed), dict[str, tuple[float, float]]()
    watching = asyncio.create_task(watch(steady, usage, plan.seconds))
    battering = asyncio.create_task(batter(battered, faults, plan.seconds, plan.share(1 - QUIET)))
    began = time.monotonic()
    try:
        await asyncio.sleep(plan.share(QUIET))
        results = await _attack(plan, steady, only, spans)
        await asyncio.sleep(max(_LEAST_QUIET, plan.share(QUIET), began + plan.seconds - time.monotonic()))
        await battering
        used = await steady.metric("auricle_slots_used")
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        outcomes, battered_outcomes = await asyncio.gather(calls.finish(), battered_calls.finish())
    except BaseException:
        for task in (watching, battering):
            task.cancel()
        await asyncio.gather(calls.abandon(), battered_calls.abandon())
        raise
    live = TrialResult("live calls", f"{plan.steady_calls} calls for {plan.minutes:g} minutes beside all trials below")
    for name, outcome in outcomes.items():
        live.judge(name, outcome)
        live.check(not outcome.outages, f"{name}: its connection broke {len(outcome.outages)} times")
    live.check(used == plan.steady_calls, f"{used} slots are used by {plan.steady_calls} calls after the trials")
    waits = [wait for outcome in outcomes.values() for wait in outcome.waits]
    usage.waits = waits
    for result in results:
        first, last = spans.get(result.name, (0.0, 0.0))
        if found := [seconds for at, seconds in waits if first <= at <= last]:
            result.counts["longest wait of a live call for its final, ms"] = round(1000 * max(found))
    usage.judge(live)
    live.seconds = time.monotonic() - began
    for name, outcome in battered_outcomes.items():
        faults.result.judge(name, outcome)
        faults.outages += outcome.outages
    return [live, *results, faults.finished(plan.battered_calls)]


async def _attack(
    plan: Plan, server: ServerProcess, only: Sequence[str], spans: dict[str, tuple[float, float]]
) -> list[TrialResult]:
    """Runs the hostile trials: some of them beside all others, the rest in turn, whose times `spans` gets."""
    beside = [name for name in TRIALS if name in only and not TRIALS[name].part]
    in_turn = [name for name in TRIALS if name in only and TRIALS[name].part]
    whole = plan.share(1 - 2 * QUIET)
    parts = sum(TRIALS[name].part for name in in_turn)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1 + len(beside), multiprocessing.get_context("spawn")) as processes:

        def start(name: str, seconds: float) -> asyncio.Future[TrialResult]:
            trial = TRIALS[name]
            amount = trial.amount if trial.fixed else plan.scaled(trial.amount)
            target = Target(server.url, amount, seconds, plan.seed, trial.address, plan.answer_timeout, server.riva)
            return loop.run_in_executor(processes, run_trial, name, target)

        others = [start(name, whole) for name in beside]
        results = []
        for name in in_turn:
            began = time.monotonic()
            results.append(await start(name, whole * TRIALS[name].part / parts))
            spans[results[-1].name] = (began, time.monotonic())
        return [*await asyncio.gather(*others), *results]


def _judged(name: str, server: ServerProcess) -> TrialResult:
    """A server's end, and what it has logged in its time."""
    result = TrialResult(f"the {name} server", "its log and its end")
    lines = server.log.splitlines()
    result.check(server.exit_code == 0, f"ended with {server.exit_code} after SIGTERM")
    for line in lines:
        if "Traceback" in line or " ERROR " in line or " CRITICAL " in line:
            result.fail(line)
    died = sum("died process=" in line for line in lines)
    result.counts["log lines"] = len(lines)
    result.counts["processes that died"] = died
    if name == "steady":
        result.check(not died, f"{died} of its processes died")
    return result
