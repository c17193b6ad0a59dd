"""A page resumes its stream: it drops no TCP connection and sets no header, so it takes leave and asks otherwise."""

from __future__ import annotations

from tests.auricle_server.gateway.session.resume.test_session_resume import AUDIO, BYTES, TEXT, gone
from tests.auricle_server.raw_client import Event, connected_client


async def test_a_page_takes_leave_for_a_while_and_resumes_with_a_subprotocol(url: str) -> None:
    async with connected_client(url, protocols=("auricle.v1",)) as client:
        ready = await client.start(latency_ms=80)
        await client.send_audio(BYTES[:40_002])
        seq = (await client.event("interim"))["seq"]
        await client.socket.close(code=4000)
    await gone(url)
    async with connected_client(url, protocols=page_back(ready, seq)) as again:
        assert (await again.start())["held"] == {"samples": 20_001, "messages": 0}
        await again.send_audio(BYTES[40_002:])
        await again.end()
        assert (again.text, again.close_code) == (TEXT, 1000)


async def test_a_page_that_leaves_during_the_last_words_gets_them(url: str) -> None:
    async with connected_client(url, protocols=("auricle.v1",)) as client:
        ready = await client.start()
        await client.send_audio(AUDIO)
        await client.send(type="end")
        await client.socket.close(code=4000)
    await gone(url)
    async with connected_client(url, protocols=page_back(ready, ready["seq"])) as again:
        assert (await again.start())["held"] == {"samples": len(AUDIO), "messages": 1}
        await again.rest()
        assert (again.text, again.close_code) == (TEXT, 1000)


def page_back(ready: Event, seq: int) -> tuple[str, ...]:
    return "auricle.v1", f"auricle.resume.{ready['resume_token']}.{seq}"
