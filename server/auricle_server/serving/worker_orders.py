"""Which workers a server has: their names, their endpoints, and what each of them serves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from auricle_server.config import ServerConfig
from auricle_server.served_models import Placement, ServedModel, served_models
from auricle_server.serving.processes import ChildReady, ModelEndpoints
from auricle_server.serving.worker_process import Order

SPARE = "-next"
"""Ends the name of a worker that is in the place of the one before because its model was loaded anew; the one after it
has the plain name again."""


def worker_orders(config: ServerConfig, folder: Path) -> list[Order]:
    """The workers that a server starts, in the order in which they are loaded.

    Args:
        config: Of the server.
        folder: Of the sockets.
    """
    models = served_models(config)
    places = [(model, index) for model in models for index in range(model.worker_count(config))]
    on_cpu = sum(1 for model, _ in places if not (model.device or config.device).startswith("cuda"))
    return [
        Order(
            f"worker-{number}",
            _endpoint(folder, f"worker-{number}"),
            Placement(index, max(1, on_cpu), model.share, tuple(places[number + 1 :]) if len(models) > 1 else None),
            model,
        )
        for number, (model, index) in enumerate(places)
    ]


def model_endpoints(config: ServerConfig, orders: list[Order]) -> tuple[ModelEndpoints, ...]:
    """How gateways reach these workers, and those that may take their places."""

    def of(model: ServedModel) -> ModelEndpoints:
        endpoints = [order.endpoint for order in orders if order.is_of(model)]
        return ModelEndpoints(model.name, tuple(endpoints), tuple(f"{endpoint}{SPARE}" for endpoint in endpoints))

    return tuple(map(of, served_models(config)))


def place_of(name: str) -> str:
    """What a worker and its successor have in common: the name that the first one there had."""
    return name.removesuffix(SPARE)


def successor_order(order: Order, source: str) -> Order:
    """The order of the worker that is to take the place of another one when its model is loaded anew.

    It holds as many streams: where the memory beside the other one does not suffice for them, it cannot be loaded.

    Args:
        order: Of the worker before.
        source: Of the checkpoint; empty for the same again.
    """
    model = order.model
    assert model is not None, "a server's orders name their models"
    spare = order.name == place_of(order.name)
    name, endpoint = (f"{each}{SPARE}" if spare else place_of(each) for each in (order.name, order.endpoint))
    return replace(
        order,
        name=name,
        endpoint=endpoint,
        placement=replace(order.placement, later=None),
        model=replace(model, source=source) if source else model,
        generation=order.generation + 1,
        calibration=None if source else order.calibration,
    )


def for_restart(order: Order, ready: ChildReady) -> Order:
    """The order of a worker that starts again, after one that was ready.

    It holds as many streams as that one, which left other models room, and need not time its steps.
    """
    model = order.model
    if model is not None and ready.slots is not None:
        model = replace(model, slots=ready.slots)
    return replace(order, model=model, calibration=ready.calibration or order.calibration)


def is_its_turn(name: str, orders: Mapping[str, Order], loaded: Collection[str]) -> bool:
    """Whether a worker may be loaded: those before it have taken their memory, and what is left can be shared out.

    Args:
        name: Of the worker, or of another process.
        orders: Of all workers by their names, in order.
        loaded: Names of those that have been ready.
    """
    if name not in orders or orders[name].placement.later is None or name in loaded:
        return True
    return all(before in loaded for before in takewhile(lambda each: each != name, orders))


def _endpoint(folder: Path, name: str) -> str:
    return f"ipc://{folder}/{name}"
