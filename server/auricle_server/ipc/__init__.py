"""Typed messages between gateways and workers, one per tick each way, over ZeroMQ or inside one process."""

from auricle_server.ipc.channel import ChannelLost, GatewayChannel, WorkerChannel
from auricle_server.ipc.in_process import InProcessChannel

__all__ = ["ChannelLost", "GatewayChannel", "InProcessChannel", "WorkerChannel"]
