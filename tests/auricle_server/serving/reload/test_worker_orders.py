"""What the worker is to be that takes the place of another one."""

from __future__ import annotations

from pathlib import Path

from auricle_server.config import ServerConfig
from auricle_server.serving.processes import ChildReady
from auricle_server.serving.worker_orders import for_restart, model_endpoints, place_of, successor_order, worker_orders

FOLDER = Path("/run/auricle")


def test_successors_have_the_other_of_two_places_and_the_same_streams() -> None:
    config = ServerConfig(model="one=demo,two=demo,workers=2")
    orders = worker_orders(config, FOLDER)
    _, two = model_endpoints(config, orders)
    before = for_restart(orders[1], ChildReady(slots=7))
    after = successor_order(before, "demo-multilingual")
    assert (after.name, after.endpoint) == ("worker-1-next", two.spares[0])
    assert (after.generation, after.placement.index, after.placement.later) == (1, before.placement.index, None)
    assert after.model is not None
    assert (after.model.name, after.model.source, after.model.slots) == ("two", "demo-multilingual", 7)
    again = successor_order(after, "")
    assert (again.name, again.endpoint, again.generation) == ("worker-1", two.endpoints[0], 2)
    assert again.model == after.model
    assert place_of(after.name) == place_of(again.name) == before.name
