"""The worker processes of a server: those that serve, those that are to take their places, and those that end.

A reload starts a successor beside each worker of a model. When all of them are ready, gateways give them the new
streams; the workers before them are retired: each ends after its last stream, or when its time is up.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from auricle_server.config import ServerConfig
from auricle_server.ipc.loading_status import forget_loading, read_loading
from auricle_server.served_models import ServedModel, served_models
from auricle_server.serving.children.child import Child
from auricle_server.serving.children.standby import Standby
from auricle_server.serving.processes import CANNOT_START, ChildReady
from auricle_server.serving.worker_orders import (
    for_restart,
    is_its_turn,
    model_endpoints,
    place_of,
    successor_order,
    worker_orders,
)
from auricle_server.serving.worker_process import RETIRE_SIGNAL, Order, worker_main

log = logging.getLogger(__name__)

JOIN_SECONDS = 5.0
"""How long a reload waits for a gateway that does not come to a worker that is ready: it may be about to be restarted,
and finds the workers then."""
MOST_FAILED_SUCCESSORS = 3
"""Deaths of a successor in a row, each before it was ready, after which its reload fails."""


class ReloadRefused(Exception):
    """A reload cannot begin; the message says why, and what to do."""


@dataclass(slots=True)
class Reload:
    """One model that is being loaded anew.

    Attributes:
        model: Its new source.
        successors: The workers that are to take the places of the others.
        drain_seconds: How long the workers before them may go on with their streams.
        done: Called once with why it has failed; None when new streams have the new workers.
    """

    model: ServedModel
    successors: list[Child]
    drain_seconds: float
    done: Callable[[str | None], None]


@dataclass(slots=True)
class Retired:
    """A worker whose place another one has taken.

    Attributes:
        child: The worker.
        until: Monotonic time at which it is ended, streams or not.
        ended: Whether it has been asked to end.
    """

    child: Child
    until: float
    ended: bool = False


class Workers:
    """The workers of one server.

    Args:
        config: Of the server.
        folder: Of the sockets.
        gateways_ended: See `worker_main`.
        standby: Takes the place of a worker that dies.

    Attributes:
        serving: Those that take new streams, one for each place.
        endpoints: Where gateways reach the workers of each model.
        reload: The one that is going on, or None.
    """

    def __init__(self, config: ServerConfig, folder: Path, gateways_ended: Connection, standby: Standby) -> None:
        self._config = config
        self._gateways_ended = gateways_ended
        self._standby = standby
        orders = worker_orders(config, folder)
        self._orders = {order.name: order for order in orders}
        self._loaded: set[str] = set()
        """Names of the workers that have been ready once."""
        self._retired: list[Retired] = []
        self.serving = [self._child(order.name) for order in orders]
        self.endpoints = model_endpoints(config, orders)
        self.reload: Reload | None = None

    def _child(self, name: str) -> Child:
        config, ended = self._config, self._gateways_ended
        return Child(name, worker_main, lambda ready: (config, self._orders[name], ready, ended))

    @property
    def kept_running(self) -> list[Child]:
        """Those that are started when they do not run."""
        return [*self.serving, *(self.reload.successors if self.reload is not None else [])]

    @property
    def children(self) -> list[Child]:
        """All of them."""
        return [*self.kept_running, *(retired.child for retired in self._retired)]

    @property
    def settled(self) -> bool:
        """Whether every worker is ready that takes new streams, and no other one is being started beside it."""
        return self.reload is None and all(worker.is_ready for worker in self.serving)

    def order_of(self, child: Child) -> Order | None:
        """What a worker is to be; None for a process that is no worker."""
        return self._orders.get(child.name)

    def may_start(self, child: Child) -> bool:
        """Whether it is the turn of a process: see `is_its_turn`."""
        return is_its_turn(child.name, self._orders, self._loaded)

    def same_model(self, child: Child) -> list[Child]:
        """The workers that take new streams of the same model."""
        model = self._orders[child.name].model
        return [each for each in self.serving if self._orders[each.name].is_of(model)]

    def on_ready(self, child: Child, ready: ChildReady) -> None:
        """Notes that a worker is ready."""
        self._orders[child.name] = for_restart(self._orders[child.name], ready)
        self._loaded.add(child.name)

    def go_on(self, now: float) -> None:
        """Does what is due: ends a reload whose last successor is ready, and workers whose time is up."""
        if self.reload is not None and all(_is_known(successor, now) for successor in self.reload.successors):
            self._take_places(self.reload, now)
        self._end_late(now)

    # --- reload ------------------------------------------------------------------------------------------------------

    def begin_reload(
        self, name: str, source: str, drain_seconds: float, done: Callable[[str | None], None]
    ) -> list[Order]:
        """Starts loading a model anew.

        Args:
            name: Of the model, where the operator has given it one; empty for the only one.
            source: Of its checkpoint; empty for the same again.
            drain_seconds: As for `Reload`.
            done: As for `Reload`.

        Returns:
            What the successors are to be.

        Raises:
            ReloadRefused: There is no such model, or it is not the moment.
        """
        before = [order for child in self.serving if (order := self._orders[child.name]).is_named(name)]
        if not before:
            names = ", ".join(filter(None, (model.name for model in served_models(self._config))))
            known = f"models are {names}" if names else "server has one model, which has no name"
            raise ReloadRefused(f"no model {name!r}: the {known}" if name else f"say which model: the {known}")
        if self.reload is not None:
            raise ReloadRefused("another reload is going on; try again when it is done")
        if not self.settled:
            raise ReloadRefused("a worker is not ready; try again when /readyz answers 200")
        orders = [successor_order(order, source) for order in before]
        taken = {retired.child.name for retired in self._retired}
        if any(order.name in taken for order in orders):
            raise ReloadRefused("workers of the last reload still end their streams; try again when they are done")
        self._orders |= {order.name: order for order in orders}
        model = orders[0].model
        assert model is not None, "a server's orders name their models"
        self.reload = Reload(model, [self._child(order.name) for order in orders], drain_seconds, done)
        log.info("reload began model=%s source=%s workers=%d", name or "-", model.source, len(orders))
        return orders

    def progress(self) -> str:
        """How far the reload is, in words; empty without one."""
        if self.reload is None:
            return ""
        states = (read_loading(self._orders[each.name].endpoint) for each in self.reload.successors)
        return next((str(state) for state in states if state is not None), "")

    def _take_places(self, reload: Reload, now: float) -> None:
        self.reload = None
        for successor in reload.successors:
            [place] = [at for at, each in enumerate(self.serving) if place_of(each.name) == place_of(successor.name)]
            old, self.serving[place] = self.serving[place], successor
            self._retire(old, now + reload.drain_seconds)
        # The order of loading is that of the places.
        self._orders = {child.name: self._orders[child.name] for child in self.children}
        if len(served_models(self._config)) == 1:
            self._standby.renew(reload.model)
        log.info("reload done model=%s source=%s", reload.model.name or "-", reload.model.source)
        reload.done(None)

    def _retire(self, child: Child, until: float) -> None:
        if child.process is None:
            self._drop(child)  # it had died, and was about to be started again
            return
        self._retired.append(Retired(child, until))
        if child.is_ready and child.process.pid is not None and child.process.is_alive():
            os.kill(child.process.pid, RETIRE_SIGNAL)
            log.info("retired process=%s pid=%s", child.name, child.process.pid)
        else:
            child.process.kill()  # it is being started, and has no streams

    def _end_late(self, now: float) -> None:
        """Ends the workers whose time is up; their clients send what is left of their streams to others."""
        for retired in self._retired:
            process = retired.child.process
            if now >= retired.until and not retired.ended and process is not None:
                log.warning("ends with streams process=%s pid=%s: its time is up", retired.child.name, process.pid)
                process.terminate()
                retired.ended = True

    def next_end(self, now: float) -> list[float]:
        """Seconds until each of the workers whose places others have taken is to end."""
        return [max(0.0, retired.until - now) for retired in self._retired if not retired.ended]

    # --- deaths ------------------------------------------------------------------------------------------------------

    def forget(self, child: Child) -> bool:
        """Takes a worker that has ended from those that are kept running.

        Returns:
            Whether that is right: it was to end, or its reload has failed. Another worker is to be started again.
        """
        assert child.process is not None, "it has ended"
        forget_loading(self._orders[child.name].endpoint)
        for retired in self._retired:
            if retired.child is child:
                self._retired.remove(retired)
                self._drop(child)
                log.info("ended process=%s", child.name)
                return True
        reload = self.reload
        if reload is None or child not in reload.successors:
            return False
        last = child.failed_starts + (child.ready_at is None) >= MOST_FAILED_SUCCESSORS
        if child.process.exitcode == CANNOT_START or last:
            self._fail(reload, child.problem or f"{child.name} has ended by {child.cause}")
            return self.forget(child)
        return False

    def _fail(self, reload: Reload, why: str) -> None:
        self.reload = None
        for successor in reload.successors:
            if successor.process is None:
                self._drop(successor)
            else:  # its death is noted like any other: whoever watches it forgets it then
                successor.process.kill()
                self._retired.append(Retired(successor, 0.0, ended=True))
        log.error("reload failed model=%s source=%s: %s", reload.model.name or "-", reload.model.source, why)
        reload.done(why)

    def _drop(self, child: Child) -> None:
        if child.reports is not None:
            child.reports.close()
            child.reports = None
        child.process = None
        del self._orders[child.name]
        self._loaded.discard(child.name)


def _is_known(child: Child, now: float) -> bool:
    """Whether gateways give a worker streams."""
    return child.is_ready and (child.joined or now - (child.ready_at or now) > JOIN_SECONDS)
