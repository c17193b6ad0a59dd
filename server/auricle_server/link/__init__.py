"""Between gateways and workers: typed messages, one per tick each way, over ZeroMQ or inside one process."""

from auricle_server.link.base import GatewayLink, LinkLost, WorkerLink
from auricle_server.link.inprocess import InProcessLink

__all__ = ["GatewayLink", "InProcessLink", "LinkLost", "WorkerLink"]
