"""What a gateway spends on a packet, and a worker on a row: real sockets, a real link, an engine that computes nothing.

    python -m tests.bench.bench_gateway --streams 300

One gateway process, one worker process, and this process as all the clients: packets of 20 ms on an absolute schedule,
each stream at a phase of its own. Figures are CPU time of the process concerned; the run with the least counts. With
``--against`` another checkout is measured in turns with this one.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import multiprocessing
import os
import select
import socket
import struct
import tempfile
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rich.console import Console

from auricle_server.bench.report.results import record, write
from auricle_server.config import ServerConfig
from auricle_server.worker.factory import model_info
from auricle_server.worker.loop import Worker
from tests.bench.checkouts.other_checkout import OtherCheckout
from tests.bench.silent import SilentEngine

PACKETS_PER_SECOND = 50
PACKET_BYTES = 640
BUDGET = 60e-6
"""CPU seconds of a gateway per packet: 2,400 streams on 8 gateways then keep each below its core."""
_MASK = b"\x12\x34\x56\x78"
_context = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class ProcessCost:
    """CPU seconds of a process, and what it has done."""

    seconds: float
    rows: int = 0
    steps: int = 0


# --- the processes that are measured ---------------------------------------------------------------------------------


class CountedEngine(SilentEngine):
    """Counts rows and steps."""

    rows = steps = 0

    def step(self) -> Any:
        """As ever."""
        results = super().step()
        self.rows += results.computed
        self.steps += 1
        return results


def worker_main(endpoint: str, slots: int, latency_ms: int, control: Connection) -> None:
    """Answers each question on `control` with a `ProcessCost`; ends when it is closed."""
    from auricle_server.ipc.zeromq import ZeroMQWorkerChannel

    engine, stop = CountedEngine(slots, latency_ms), threading.Event()

    def answer() -> None:
        try:
            while control.recv():
                control.send(ProcessCost(time.process_time(), engine.rows, engine.steps))
        except EOFError:
            stop.set()

    threading.Thread(target=answer, daemon=True).start()
    worker = Worker(engine.as_engine(), ZeroMQWorkerChannel(endpoint), model_info(engine.as_engine()))
    worker.run(stop)


def gateway_main(endpoint: str, uvloop: bool, control: Connection) -> None:
    """Sends its port, then answers as `worker_main` does."""
    from auricle_server.serving.processes import loop_factory

    with asyncio.Runner(loop_factory=loop_factory() if uvloop else None) as runner:
        runner.run(_gateway(endpoint, control))


async def _gateway(endpoint: str, control: Connection) -> None:
    from auricle_server.gateway.http.server import listening, until_ready
    from auricle_server.ipc.zeromq import ZeroMQGatewayChannel

    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def answer() -> None:
        try:
            control.recv()
        except EOFError:
            loop.remove_reader(control.fileno())
            stop.set()
        else:
            control.send(ProcessCost(time.process_time()))

    async with listening(ServerConfig(port=0), [ZeroMQGatewayChannel(endpoint)]) as (gateway, port):
        await until_ready(gateway, 30)
        control.send(port)
        loop.add_reader(control.fileno(), answer)
        await stop.wait()


# --- the clients -----------------------------------------------------------------------------------------------------


def connect(port: int) -> socket.socket:
    """A started stream."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET /v1/stream HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    sock.settimeout(10)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(4096)
    assert b" 101 " in answer.split(b"\r\n")[0], answer
    sock.sendall(b"\x81\x90" + bytes(4) + b'{"type":"start"}')
    assert b"ready" in sock.recv(4096)
    sock.setblocking(False)
    return sock


class Clients:
    """All streams, in this thread.

    Attributes:
        packets: Sent so far.
        lateness: Longest that a packet was behind its schedule, seconds.
    """

    def __init__(self, port: int, streams: int) -> None:
        self.packets = 0
        self.lateness = 0.0
        self._sockets = [connect(port) for _ in range(streams)]
        self._by_number = {each.fileno(): each for each in self._sockets}
        self._poll = select.epoll()
        for number in self._by_number:
            self._poll.register(number, select.EPOLLIN)
        self._frame = b"\x82\xfe" + struct.pack("!H", PACKET_BYTES) + _MASK + os.urandom(PACKET_BYTES)

    def talk(self, seconds: float) -> None:
        """Sends for so long, and reads what comes."""
        gap = 1 / PACKETS_PER_SECOND / len(self._sockets)
        began, sent, total = time.perf_counter(), 0, round(seconds / gap)
        self.lateness = 0.0
        while sent < total:
            due = min(total, int((time.perf_counter() - began) / gap) + 1)
            self.lateness = max(self.lateness, (due - sent) * gap)
            for number in range(sent, due):
                self._sockets[number % len(self._sockets)].send(self._frame)
            self.packets, sent = self.packets + due - sent, due
            for number, _ in self._poll.poll(0):
                self._by_number[number].recv(1 << 16)
            time.sleep(max(0.0005, min(0.002, began + sent * gap - time.perf_counter())))

    def close(self) -> None:
        """Hangs up."""
        for each in self._sockets:
            each.close()


# --- the measurement -------------------------------------------------------------------------------------------------


def ask(control: Any) -> ProcessCost:
    """What a process has spent."""
    control.send(True)
    spent = control.recv()
    assert isinstance(spent, ProcessCost)
    return spent


def measure(streams: int, latency_ms: int, seconds: float, *, uvloop: bool) -> dict[str, float]:
    """One run."""
    with tempfile.TemporaryDirectory(prefix="auricle-bench-") as folder:
        endpoint = f"ipc://{folder}/worker"
        ends = [_context.Pipe() for _ in range(2)]
        (to_worker, worker_end), (to_gateway, gateway_end) = ends
        worker = _context.Process(target=worker_main, args=(endpoint, streams, latency_ms, worker_end))
        gateway = _context.Process(target=gateway_main, args=(endpoint, uvloop, gateway_end))
        for process in (worker, gateway):
            process.start()
        worker_end.close()
        gateway_end.close()
        clients = Clients(to_gateway.recv(), streams)
        clients.talk(2.0)
        packets, before = clients.packets, (ask(to_gateway), ask(to_worker))
        clients.talk(seconds)
        packets, after = clients.packets - packets, (ask(to_gateway), ask(to_worker))
        clients.close()
        for control, process in ((to_gateway, gateway), (to_worker, worker)):
            control.close()
            process.join()
    gateway_seconds, worker_seconds = (late.seconds - early.seconds for early, late in zip(before, after, strict=True))
    rows, steps = after[1].rows - before[1].rows, after[1].steps - before[1].steps
    return {
        "gateway_us_per_packet": 1e6 * gateway_seconds / packets,
        "gateway_busy": gateway_seconds / seconds,
        "worker_us_per_row": 1e6 * worker_seconds / max(rows, 1),
        "worker_busy": worker_seconds / seconds,
        "rows_per_step": rows / max(steps, 1),
        "client_lateness_ms": 1e3 * clients.lateness,
    }


def measure_in_turns(options: argparse.Namespace) -> tuple[dict[str, float], dict[str, Any]]:
    """The figures of the best round, and under ``against`` those of another checkout."""
    other = None if options.against is None else OtherCheckout(options.against)
    arguments = {"streams": options.streams, "latency_ms": options.latency_ms, "seconds": options.seconds}
    arguments["uvloop"] = options.loop == "uvloop"
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(measure(**arguments))
        if other is not None:
            theirs.append(other.call("tests.bench.bench_gateway", "measure", **arguments))
    best, their_best = (min(runs, key=lambda run: run["gateway_us_per_packet"], default={}) for runs in (ours, theirs))
    return best, {} if other is None else {"against": {"commit": other.commit, **their_best}}


def main() -> int:
    """Exit status 1 when a packet costs more than the budget."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--latency-ms", type=int, default=160)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="uvloop")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout, measured in turns")
    options = parser.parse_args()
    figures, theirs = measure_in_turns(options)
    path = write(record("gateway", vars(options), {**figures, **theirs}), None, "gateway")
    console = Console()
    console.print(f"{options.streams} streams on one gateway, {options.loop}, chunks of {options.latency_ms} ms")
    for name, value in figures.items():
        console.print(f"  {name:24} {value:8.2f}")
    for other in theirs.values():
        console.print(
            f"  commit {other['commit']} in turns with it: {other['gateway_us_per_packet']:.2f} us per packet"
        )
    console.print(str(path))
    return int(figures["gateway_us_per_packet"] > 1e6 * BUDGET)


if __name__ == "__main__":
    raise SystemExit(main())
