"""Returns over networks that are still bad."""

from __future__ import annotations

import asyncio

from auricle import Reconnected, connect
from auricle.protocol.client_messages import Start
from auricle.protocol.settings import TurnSettings
from auricle_server.checkpoints import load_checkpoint
from auricle_server.config import ServerConfig
from auricle_server.engine import Engine
from auricle_server.serving.in_process_server import serve_locally
from tests.faults.conversation import EAGER_TO_RETURN
from tests.faults.proxy import Passage, Proxy
from tests.support import tones

PATIENCE = 20.0


async def test_a_return_that_gets_no_answer_is_no_farewell() -> None:
    """Whoever gives up waiting for `Ready` and says goodbye politely would end the stream that it wants."""
    engine = Engine(load_checkpoint(str(tones.CHECKPOINT)), slots=4, device="cpu", threads=1)
    start = Start(latency_ms=80, turn=TurnSettings("off"))
    async with (
        asyncio.timeout(PATIENCE),
        serve_locally(ServerConfig(max_load=0), engine=engine) as server,
        Proxy(server).running() as proxy,
        connect(proxy.url, start=start, reconnect=EAGER_TO_RETURN, connect_timeout=0.5) as stream,
    ):

        def keep_the_answer(passage: Passage) -> None:
            if proxy.opened == 2 and passage.down.passed:  # the upgrade has passed
                passage.stall(up=False)

        proxy.on_bytes = keep_the_answer
        proxy.cut()
        async for event in stream:
            if isinstance(event, Reconnected):
                assert event.resumed
                break
        assert proxy.opened == 3
