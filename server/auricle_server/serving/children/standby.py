"""A worker that stands by: when one dies, it takes its place without the seconds that a start takes."""

from __future__ import annotations

import logging
from multiprocessing.connection import Connection
from pathlib import Path

from auricle_server.config import ServerConfig
from auricle_server.free_memory import free_memory
from auricle_server.served_models import ServedModel, served_models
from auricle_server.serving.children.child import Child, context
from auricle_server.serving.worker_process import Order, standby_main

log = logging.getLogger(__name__)

MOST_FAILED_STARTS = 3
"""Failures in a row after which the server goes on without: its workers then take as long as they take to start."""
LEAST_MEMORY = 1 << 30
"""Bytes that must be free beside the memory of one more worker: what stands by must not push out what serves."""
_PAUSE = 5.0
"""Seconds after a start that found too little memory, and before the next one."""


class Standby:
    """The process that stands by, one for all workers.

    Args:
        config: Of the server.
        gateways: See `worker_main`.

    Attributes:
        child: The process.
    """

    def __init__(self, config: ServerConfig, gateways: Connection) -> None:
        self._config = config
        self._gateways = gateways
        self._orders: Connection | None = None
        self._theirs: Connection | None = None
        self._told = False
        models = served_models(config)
        # With several models it is not known whose worker will die.
        self._model = models[0] if len(models) == 1 else None
        self.child = Child("standby", standby_main, self._arguments)

    def _arguments(self, ready: Connection) -> tuple[object, ...]:
        self._theirs, self._orders = context.Pipe(duplex=False)
        return self._config, self._theirs, ready, self._gateways, self._model

    def is_due(self, now: float) -> bool:
        """Whether it is to be started, when all workers are ready."""
        child = self.child
        wanted = self._config.standby and child.failed_starts < MOST_FAILED_STARTS
        return wanted and child.process is None and now >= child.due

    def launch(self, worker: Child, now: float) -> None:
        """Starts it, if there is memory for another process like `worker`."""
        free, need = free_memory(), LEAST_MEMORY + _resident(worker)
        if free < need:
            self.child.due = now + _PAUSE
            if not self._told:
                log.info("no worker stands by: that takes %d MB of memory, and %d are free", need >> 20, free >> 20)
            self._told = True
            return
        self.child.launch()
        assert self._theirs is not None, "`launch` has made it"
        self._theirs.close()

    def renew(self, model: ServedModel) -> None:
        """Prepares another model from now on: what stands by has an engine of the one before."""
        self._model = model
        if self.child.process is not None:
            self.child.process.terminate()

    def take_over(self, worker: Child, order: Order) -> bool:
        """Gives the process to a worker that has died; False when there is none."""
        given = self.child.release()
        if given is None or self._orders is None:
            return False
        process, reports = given
        process.name = worker.name
        try:
            self._orders.send(order)
        except OSError:  # it is dying
            process.kill()
            process.join()
            return False
        finally:
            self._orders.close()
        worker.adopt(process, reports)
        return True


def _resident(child: Child) -> int:
    """Bytes of memory that a process uses now; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{child.process.pid if child.process else 0}/status").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
