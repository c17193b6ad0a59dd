"""The wire formats that a gateway serves beside its own."""

from __future__ import annotations

from auricle_server.gateway.dialects.deepgram_listen.listen_endpoint import ListenEndpoint
from auricle_server.gateway.dialects.flux import FluxEndpoint
from auricle_server.gateway.session.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint, ...] = (
    ListenEndpoint(),
    FluxEndpoint(),
)
"""Their ways in through WebSockets."""
