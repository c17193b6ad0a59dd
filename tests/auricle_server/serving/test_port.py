from __future__ import annotations

import socket

import pytest

from auricle_server.serving.port import reserve_port


def test_a_reserved_port_is_shared_by_gateways_and_by_no_other_server() -> None:
    with reserve_port("127.0.0.1", 0) as reserved:
        port = reserved.getsockname()[1]
        with socket.socket() as gateway:
            gateway.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            gateway.bind(("127.0.0.1", port))
            gateway.listen()
            with pytest.raises(OSError, match="in use"):
                reserve_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(OSError, match="assign"):
        reserve_port("192.0.2.1", 0)
