"""What it costs to hear how turns end: a core's share for each stream in semantic mode.

    python -m tests.bench.bench_turn_detection

A conversation in which the user speaks for about 40 % of the time, with pauses inside of turns. First by itself, part
by part; then through a gateway process and a worker with the demo model, in semantic and in silence mode. Figures are
CPU time; as other work on a core's other thread slows that down too, the least of some rounds counts. Exit status 1
beyond the budget.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import TurnEnd
from auricle.protocol.settings import TurnMode, TurnSettings
from auricle_server.bench.clips import SAMPLE_RATE, Pcm, load_clips
from auricle_server.bench.report.results import record, write
from auricle_server.config import ServerConfig
from auricle_server.voice.audio_analyzer import AudioAnalyzer
from auricle_server.voice.models import LoadedModels, find_models, load_models
from auricle_server.voice.onnx import Network, to_float
from auricle_server.voice.silero import Silero
from auricle_server.voice.smart_turn import SmartTurn, log_mel

BUDGET = 0.02
"""Share of a core for a stream in semantic mode, beyond what it costs in silence mode."""
CHUNK_MS = 160
PACKET = SAMPLE_RATE // 50
SPEAKING = 0.4
TURN_ENDS_AFTER = 0.5
"""Seconds behind its last word after which a turn ends, where no detector decides."""
BEAT = 0.005
MODES: tuple[TurnMode, ...] = ("silence", "semantic")
_context = multiprocessing.get_context("spawn")


# --- the conversation ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UserAudio:
    """What one user's microphone hears.

    Attributes:
        pcm: Samples at 16 kHz.
        ends: Positions at which turns end.
        speaking: Share of the time in which the user speaks.
    """

    pcm: Pcm
    ends: tuple[int, ...]
    speaking: float


def converse(seconds: float, seed: int) -> UserAudio:
    """Turns from the clips in a random order, a pause of 0.3 to 1 s inside of each; after it the agent speaks."""
    rng = np.random.default_rng(seed)
    clips = load_clips()
    parts, ends, length, spoken = list[Pcm](), list[int](), 0, 0
    while length < seconds * SAMPLE_RATE:
        clip = clips[int(rng.integers(len(clips)))]
        start, end = (round(edge * SAMPLE_RATE) for edge in clip.turns[int(rng.integers(len(clip.turns)))])
        turn, middle = clip.pcm[start:end], _quietest(clip.pcm[start:end])
        pause = _noise(rng, int(rng.integers(SAMPLE_RATE * 3 // 10, SAMPLE_RATE)))
        rest = _noise(rng, round(len(turn) * (1 / SPEAKING - 1)) - len(pause))
        parts += [turn[:middle], pause, turn[middle:], rest]
        ends.append(length + len(turn) + len(pause) + round(TURN_ENDS_AFTER * SAMPLE_RATE))
        length += len(turn) + len(pause) + len(rest)
        spoken += len(turn)
    return UserAudio(np.concatenate(parts), tuple(ends), spoken / length)


def _quietest(turn: Pcm) -> int:
    """Where a turn can be cut in two: the quietest 50 ms of its middle third."""
    step = SAMPLE_RATE // 20
    third = len(turn) // 3
    pieces = turn[third : third + third // step * step].astype(np.float64).reshape(-1, step)
    return third + int(np.argmin(np.square(pieces).sum(axis=1))) * step + step // 2


def _noise(rng: np.random.Generator, samples: int) -> Pcm:
    return rng.normal(0, 8, max(0, samples)).astype(np.int16)


# --- part by part ----------------------------------------------------------------------------------------------------


class Meter:
    """CPU seconds of this process by what they went into."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Charges what the block costs."""
        began = time.process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began
        self.calls[name] = self.calls.get(name, 0) + 1


class MeteredSilero(Silero):
    """Charges its windows."""

    def __init__(self, real: Silero, meter: Meter) -> None:
        self._real, self._meter = real, meter

    def step(self, window: Any, state: Any) -> Any:
        """As ever."""
        with self._meter.on("silero"):
            return self._real.step(window, state)


class MeteredSmartTurn(SmartTurn):
    """Charges features and network apart."""

    def __init__(self, real: Network, meter: Meter) -> None:
        self._real, self._meter = real, meter

    def judge(self, pcm: bytes) -> float:
        """As ever."""
        with self._meter.on("features"):
            features = log_mel(to_float(pcm))[None]
        with self._meter.on("smart_turn"):
            (output,) = self._real.run(input_features=features)
        return float(output.reshape(-1)[0])


def measure_parts(conversation: UserAudio) -> dict[str, float]:
    """Shares of a core that one stream takes, when everything runs on this thread."""
    meter, loaded = Meter(), load_models(find_models())
    assert loaded.smart_turn is not None, "the bench needs both models"
    models = LoadedModels(MeteredSilero(loaded.silero, meter), MeteredSmartTurn(loaded.smart_turn, meter))
    loaded.smart_turn.judge(bytes(2))
    with meter.on("all"):
        _listen(AudioAnalyzer(models), conversation)
    seconds = len(conversation.pcm) / SAMPLE_RATE
    shares = {name: spent / seconds for name, spent in meter.seconds.items()}
    parts = sum(share for name, share in shares.items() if name != "all")
    return {
        **{f"{name}_share": share for name, share in shares.items()},
        "rest_share": shares["all"] - parts,
        "silero_us_per_window": 1e6 * meter.seconds["silero"] / meter.calls["silero"],
        "features_ms": 1e3 * meter.seconds["features"] / meter.calls["features"],
        "smart_turn_ms": 1e3 * meter.seconds["smart_turn"] / meter.calls["smart_turn"],
        "judgements_per_minute": 60 * meter.calls["smart_turn"] / seconds,
        "judgements_per_turn": meter.calls["smart_turn"] / len(conversation.ends),
    }


def _listen(ears: AudioAnalyzer, conversation: UserAudio) -> None:
    chunk = CHUNK_MS * SAMPLE_RATE // 1000
    ends = list(conversation.ends)
    for position in range(chunk, len(conversation.pcm) + 1, chunk):
        for at in range(position - chunk, position, PACKET):
            ears.receive_audio(conversation.pcm[at : at + PACKET].tobytes())
        ears.voice_at(position)
        if ends and position >= ends[0]:
            ears.end_turn(position)
            del ends[0]


# --- through a gateway -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CpuUse:
    """CPU seconds of a gateway, and the most that its event loop took between two beats of 5 ms."""

    seconds: float
    longest_block: float
    judgements: float


def worker_main(endpoint: str, control: Connection) -> None:
    """The demo model; ends when `control` is closed."""
    from auricle_server.ipc.zeromq import ZeroMQWorkerChannel
    from auricle_server.worker.factory import build_admission, build_engine, model_info
    from auricle_server.worker.loop import Worker

    config, stop = ServerConfig(max_load=0, device="cpu"), threading.Event()

    def watch() -> None:
        control.poll(None)
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    engine = build_engine(config)
    Worker(engine, ZeroMQWorkerChannel(endpoint), model_info(engine, CHUNK_MS), build_admission(config, engine)).run(
        stop
    )


def gateway_main(endpoint: str, control: Connection) -> None:
    """Sends its port, then a `CpuUse` for every question; ends when `control` is closed."""
    from auricle_server.serving.processes import loop_factory

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_gateway(endpoint, control))


async def _gateway(endpoint: str, control: Connection) -> None:
    from auricle_server.gateway.http.server import listening, until_ready
    from auricle_server.ipc.zeromq import ZeroMQGatewayChannel

    stop, loop, longest = asyncio.Event(), asyncio.get_running_loop(), [0.0]
    async with listening(ServerConfig(port=0), [ZeroMQGatewayChannel(endpoint)]) as (gateway, port):

        def answer() -> None:
            try:
                control.recv()
            except EOFError:
                loop.remove_reader(control.fileno())
                stop.set()
                return
            judged = gateway._metrics.registry.get_sample_value("auricle_turn_judgements_total") or 0.0
            control.send(CpuUse(time.process_time(), longest[0], judged))
            longest[0] = 0.0

        await until_ready(gateway, 60)
        control.send(port)
        loop.add_reader(control.fileno(), answer)
        beating = asyncio.create_task(_beat(longest))
        await stop.wait()
        beating.cancel()


async def _beat(longest: list[float]) -> None:
    """Notes the most CPU time that this thread took between two beats."""
    while True:
        began = time.thread_time()
        await asyncio.sleep(BEAT)
        longest[0] = max(longest[0], time.thread_time() - began)


@contextmanager
def _processes() -> Iterator[tuple[int, Callable[[], CpuUse]]]:
    """A worker and a gateway: the port, and what the gateway has spent so far."""
    with tempfile.TemporaryDirectory(prefix="auricle-bench-") as folder:
        endpoint = f"ipc://{folder}/worker"
        (to_worker, worker_end), (to_gateway, gateway_end) = _context.Pipe(), _context.Pipe()
        processes = [
            _context.Process(target=worker_main, args=(endpoint, worker_end)),
            _context.Process(target=gateway_main, args=(endpoint, gateway_end)),
        ]
        for process in processes:
            process.start()
        worker_end.close()
        gateway_end.close()

        def ask() -> CpuUse:
            to_gateway.send(True)
            spent = to_gateway.recv()
            assert isinstance(spent, CpuUse)
            return spent

        try:
            yield to_gateway.recv(), ask
        finally:
            to_gateway.close()
            to_worker.close()
            for process in processes:
                process.join()


async def _speak(url: str, mode: TurnMode, pcm: bytes, began: float, *, paced: bool = True) -> int:
    """One stream, 20 ms at a time on an absolute schedule, or all at once. Returns the turns that ended."""
    turns = 0
    async with auricle.connect(url, start=Start(turn=TurnSettings(mode=mode), latency_ms=CHUNK_MS)) as stream:

        async def listen() -> None:
            nonlocal turns
            async for event in stream:
                turns += isinstance(event, TurnEnd)

        listening, step = asyncio.create_task(listen()), 2 * PACKET if paced else len(pcm)
        for at in range(0, len(pcm), step):
            await asyncio.sleep(max(0.0, began + at / 2 / SAMPLE_RATE - time.monotonic()) if paced else 0.0)
            await stream.send(pcm[at : at + step])
        await stream.end()
        await listening
    return turns


async def _crowd(url: str, mode: TurnMode, streams: int, seconds: float) -> int:
    audio = [converse(seconds, seed).pcm[: round(seconds * SAMPLE_RATE)].tobytes() for seed in range(streams)]
    now = time.monotonic()
    return sum(await asyncio.gather(*(_speak(url, mode, pcm, now + n / streams * 0.16) for n, pcm in enumerate(audio))))


def measure_gateway(mode: TurnMode, streams: int, seconds: float) -> dict[str, float]:
    """Live streams of that mode, and then one that sends half a minute at once."""
    with _processes() as (port, ask):
        url = f"ws://127.0.0.1:{port}"
        asyncio.run(_speak(url, mode, converse(10, 99).pcm.tobytes(), 0.0, paced=False))  # loads the models
        before = ask()
        turns = asyncio.run(_crowd(url, mode, streams, seconds))
        after = ask()
        asyncio.run(_speak(url, mode, converse(30, 98).pcm.tobytes(), 0.0, paced=False))
        at_once = ask()
    return {
        f"{mode}_gateway_share": (after.seconds - before.seconds) / streams / seconds,
        f"{mode}_longest_block_ms": 1e3 * after.longest_block,
        f"{mode}_longest_block_30_s_at_once_ms": 1e3 * at_once.longest_block,
        f"{mode}_turns_per_minute": 60 * turns / streams / seconds,
        f"{mode}_judgements_per_minute": 60 * (after.judgements - before.judgements) / streams / seconds,
    }


def main() -> int:
    """Exit status 1 when a stream costs more than the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each live stream")
    parser.add_argument("--conversation", type=float, default=300.0, help="seconds of the one measured part by part")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    conversation = converse(options.conversation, 0)
    parts = [measure_parts(conversation) for _ in range(options.rounds)]
    figures = {"speaking_share": conversation.speaking, **min(parts, key=lambda each: each["all_share"])}
    for mode in MODES:
        runs = [measure_gateway(mode, options.streams, options.seconds) for _ in range(options.rounds)]
        figures |= min(runs, key=lambda each: each[f"{mode}_gateway_share"])
    figures["gateway_added_share"] = figures["semantic_gateway_share"] - figures["silence_gateway_share"]
    kept = max(figures["all_share"], figures["gateway_added_share"]) <= BUDGET
    result = record("turn-detection", vars(options), {**figures, "budget_share": BUDGET, "kept": kept})
    path = write(result, None, "turn-detection-demo")
    for name, value in figures.items():
        print(f"  {name:42} {100 * value:7.2f} %" if name.endswith("share") else f"  {name:42} {value:7.2f}")
    print(f"{'kept' if kept else 'MISSED'}: {100 * BUDGET:g} % of a core for a stream; {path}")
    return int(not kept)


if __name__ == "__main__":
    raise SystemExit(main())
