"""CPU time of a gateway process with live streams in semantic or in silence mode; its worker is another process."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection

import auricle
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import TurnEnd
from auricle.protocol.settings import TurnMode, TurnSettings
from auricle_server.bench.clips import SAMPLE_RATE
from auricle_server.config import ServerConfig
from tests.bench.turn_detection.user_audio import converse

CHUNK_MS = 160
PACKET = SAMPLE_RATE // 50
BEAT = 0.005
_context = multiprocessing.get_context("spawn")


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
            judged = gateway.metrics.registry.get_sample_value("auricle_turn_judgements_total") or 0.0
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
