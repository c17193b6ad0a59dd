"""Reference transcripts of a load test: the same audio and flushes through an engine without load."""

from __future__ import annotations

from collections.abc import Sequence

from auricle_server.bench.clips import BenchClip, load_clips
from auricle_server.bench.server.speech_script import packets_of, script
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.engine.build import Hardware
from auricle_server.engine.engine import Engine
from auricle_server.text.vocabulary import spelled


def reference_texts(
    checkpoint: Checkpoint, streams: Sequence[int], latency_ms: int, seconds: float, *, hardware: Hardware, threads: int
) -> dict[tuple[int, int], str]:
    """Text of each clip of each stream, by the stream's number and the clip's place in its script.

    The streams run one after another, so that each is alone in the engine.

    Args:
        checkpoint: The server's model.
        streams: Numbers of the streams; see `script`.
        latency_ms: Chunk latency.
        seconds: Minimum length of each stream.
        hardware: As the server's.
        threads: CPU threads of the engine.
    """
    engine, clips = Engine(checkpoint, slots=1, hardware=hardware, threads=threads), load_clips()
    texts = {}
    for stream in streams:
        for index, text in enumerate(_stream_texts(engine, clips, stream, latency_ms, seconds, checkpoint.pieces)):
            texts[stream, index] = text
    return texts


def _stream_texts(
    engine: Engine, clips: Sequence[BenchClip], stream: int, latency_ms: int, seconds: float, pieces: Sequence[str]
) -> list[str]:
    lease = engine.open(latency_ms, engine.info.default_language)
    texts, tail = [], ""
    for said in script(clips, stream, seconds):
        packets = packets_of(clips[said.clip])
        split = said.finalize_packet + 1 - said.first_packet
        engine.push(lease, b"".join(packets[:split]))
        engine.flush(lease, 0)
        text = tail + _drain(engine, pieces)
        engine.push(lease, b"".join(packets[split:]))
        tail = _drain(engine, pieces)
        texts.append(text)
    engine.close(lease)
    return texts


def _drain(engine: Engine, pieces: Sequence[str]) -> str:
    tokens: list[int] = []
    while engine.ready:
        tokens += engine.step().tokens.tolist()
    return spelled(pieces, tokens)
