"""TLS in real processes: a renewed certificate, and files that are no certificate."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.auricle_server.raw_client import connected_client, until
from tests.auricle_server.serving.supervised import SCRIPT, serving, stopped
from tests.support import tones
from tests.support.servers.authority import Authority, serial_number

pytestmark = pytest.mark.slow


async def test_sighup_brings_a_renewed_certificate_and_harms_no_stream(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.certificate()
    audio, text = tones.utterance(87, 3)
    async with serving(slots=2, gateways=2, drain_seconds=0, tls_cert=str(cert), tls_key=str(key)) as server:
        assert server.url.startswith("wss://127.0.0.1:")
        async with connected_client(server.url, ssl=authority.trusting) as client:
            await client.start(latency_ms=80)
            await client.send_audio(audio)
            before = await serial_number(server.url, authority.trusting)
            for file, new in zip((cert, key), authority.certificate("renewed"), strict=True):
                file.write_bytes(new.read_bytes())
            server.process.send_signal(signal.SIGHUP)
            await until(lambda: server.log.count("reloading") == 2)
            renewed = {await serial_number(server.url, authority.trusting) for _ in range(8)}
            assert len(renewed) == 1
            assert before not in renewed

            key.write_bytes(b"")
            server.process.send_signal(signal.SIGHUP)
            await until(lambda: server.log.count("cannot use the TLS certificate") == 2)
            assert {await serial_number(server.url, authority.trusting) for _ in range(8)} == renewed
            await client.end()
            assert (client.text, client.close_code) == (text, 1000)
        assert await stopped(server) == 0


async def test_a_server_whose_certificate_is_none_says_so_and_exits(tmp_path: Path) -> None:
    options = f'{{"model": "{tones.CHECKPOINT}", "port": 0, "tls_cert": "{tmp_path}/missing.crt"}}'
    process = await asyncio.create_subprocess_exec(sys.executable, str(SCRIPT), options, stdout=PIPE, stderr=PIPE)
    _, log = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert f"cannot read the TLS file {tmp_path}/missing.crt: No such file or directory" in log.decode()
    assert "Traceback" not in log.decode()
