"""Several models in processes of their own: each is loaded in its turn, and one that dies ends no stream of another."""

from __future__ import annotations

import os
import signal

from auricle.client import connect
from auricle.protocol.client_messages import Start
from auricle.protocol.server_messages import Final
from tests.auricle_server.raw_client import connected_client, until
from tests.auricle_server.serving.supervised import Server, serving, stopped
from tests.support import tones

PCM, TEXT = tones.utterance(11, 3, trailing=0.1)
MODELS = f"one={tones.CHECKPOINT},two={tones.CHECKPOINT},slots=2"


async def name_of(server: Server, query: str) -> str:
    async with connected_client(server.url, query) as raw:
        name: str = (await raw.start())["model"]
        return name


async def test_a_models_worker_that_dies_is_replaced_and_the_others_streams_go_on() -> None:
    async with serving(model=MODELS, slots=4, gateways=2) as server:
        await server.until_readiness(200)
        first, second = (server.log.index(f"started process=worker-{number}") for number in (0, 1))
        assert first < server.log.index("warmed up") < second
        async with (
            connect(server.url, start=Start(model="one")) as one,
            connect(server.url, start=Start(model="two")) as two,
        ):
            for stream in (one, two):
                await stream.send(PCM.tobytes())
            [pid] = server.pids("worker-1")
            os.kill(pid, signal.SIGKILL)
            assert await name_of(server, "?model=one") == "one"
            texts = []
            for stream in (one, two):
                await stream.end()
                texts.append(" ".join([event.text async for event in stream if isinstance(event, Final)]).strip())
            assert texts == [TEXT, TEXT]
            assert (one.ready.model, two.ready.model) == ("one", "two")
        await server.until_pids("worker-1", 2)
        await until(lambda: server.log.count("worker ready model=two slots=2") >= 4, 60)
        await server.until_readiness(200)
        assert len(server.pids("worker-0")) == 1
        assert await stopped(server) == 0


async def test_a_model_that_cannot_be_loaded_ends_the_start_and_is_named() -> None:
    async with serving(model=f"one={tones.CHECKPOINT},two=/there/is/none.nemo") as server:
        assert await server.process.wait() == 1
        await until(lambda: "/there/is/none.nemo" in server.log)
