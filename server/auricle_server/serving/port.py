"""The port of a server, which its gateways share."""

from __future__ import annotations

import socket


def reserve_port(host: str, port: int) -> socket.socket:
    """A bound socket that does not listen: it keeps the port for the gateways, which share it, across restarts.

    Raises:
        OSError: The address is not one of this machine, or another server listens there.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    # Without SO_REUSEPORT: with it, a second server would share the first one's port.
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
    reserved = socket.socket(family)
    # REUSEADDR: connections of the last run that are in TIME_WAIT must not prevent the start.
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind((host, port))
    return reserved
