from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from auricle._stream.replay_buffer import ReplayBuffer, Resumption
from auricle.protocol import End, Finalize, Limits, Ready, Start, TurnSettings, Update
from auricle.protocol.audio_positions import ChunkGrid, Held
from auricle.protocol.client_messages import Outgoing

RATE = 8_000
SECOND = bytes(2 * RATE)


def ready(message_bytes: int = 1 << 20, held: Held | None = None, chunks: ChunkGrid | None = None) -> Ready:
    """What a server answers, as far as a replay buffer cares."""
    return Ready(
        session="s",
        model="m",
        latencies_ms=(80,),
        languages=("en",),
        latency_ms=80,
        language="en",
        limits=Limits(message_bytes, 30.0, 3600.0, 60.0),
        chunks=chunks,
        held=held,
    )


def replay_buffer(replay_seconds: float = 60.0, packet_seconds: float = 0.0, **start: Any) -> ReplayBuffer:
    return ReplayBuffer(Start(sample_rate=RATE, **start), replay_seconds, packet_seconds)


def opened(replay_seconds: float = 60.0, packet_seconds: float = 0.0) -> ReplayBuffer:
    buffer = replay_buffer(replay_seconds, packet_seconds)
    buffer.attach(ready())
    return buffer


def unsent(buffer: ReplayBuffer) -> list[Outgoing]:
    """Everything that is to be said now, neighbouring audio joined."""
    out: list[Outgoing] = []
    while (said := buffer.next_unsent()) is not None:
        if isinstance(said, bytes) and out and isinstance(out[-1], bytes):
            out[-1] += said
        else:
            out.append(said)
    return out


def test_all_is_said_once_and_in_order() -> None:
    buffer = opened()
    buffer.add_audio(b"ab")
    buffer.add_message(Finalize("x"))
    buffer.add_audio(b"cd")
    buffer.add_message(Update(latency_ms=160))
    buffer.add_message(End())
    assert unsent(buffer) == [b"ab", Finalize("x"), b"cd", Update(latency_ms=160), End()]
    assert unsent(buffer) == []


def test_after_an_interruption_all_since_the_settled_point_is_said_again() -> None:
    buffer = opened()
    buffer.add_audio(b"a" * 16_000)
    buffer.add_message(Finalize("x"))
    buffer.add_audio(b"b" * 16_000)
    unsent(buffer)
    buffer.answer("x")
    buffer.settle(1.0)
    assert buffer.held_seconds == 1.0
    buffer.detach(speaking=True)
    buffer.add_audio(b"c" * 16_000)
    assert buffer.unsent_seconds == 2.0
    assert buffer.attach(ready()) == Resumption(origin=1.0, replayed_seconds=2.0, lost_seconds=0.0)
    assert unsent(buffer) == [b"b" * 16_000 + b"c" * 16_000]


def test_what_has_no_answer_yet_is_asked_again_at_its_place() -> None:
    buffer = opened()
    buffer.add_audio(b"ab")
    buffer.add_message(Finalize("x"))
    buffer.add_audio(b"cd")
    buffer.add_message(Finalize("y"))
    buffer.add_message(End())
    unsent(buffer)
    assert buffer.unanswered == {"x", "y"}
    buffer.answer("x")
    buffer.detach(speaking=True)
    buffer.attach(ready())
    assert unsent(buffer) == [b"abcd", Finalize("y"), End()]


def test_settings_changed_before_the_settled_point_are_in_the_new_start() -> None:
    buffer = opened()
    turn = TurnSettings("off")
    buffer.add_message(Update(latency_ms=160, language="de-DE"))
    buffer.add_audio(SECOND)
    buffer.add_message(Update(language="en-US", turn=turn, keyterms=("auricle",), refine="on"))
    buffer.add_audio(SECOND)
    buffer.add_message(Update(latency_ms=80, refine="auto"))
    unsent(buffer)
    buffer.settle(1.5)
    buffer.detach(speaking=True)
    buffer.attach(ready())
    assert buffer.start == Start(
        sample_rate=RATE, latency_ms=160, language="en-US", turn=turn, keyterms=("auricle",), refine="on"
    )
    assert unsent(buffer) == [SECOND[: len(SECOND) // 2], Update(latency_ms=80, refine="auto")]


def test_what_a_server_refused_is_not_asked_again() -> None:
    buffer = opened()
    buffer.add_message(Update(latency_ms=999, turn=TurnSettings("off")))
    buffer.add_message(Update(latency_ms=160))
    unsent(buffer)
    buffer.refuse("unsupported_latency", replace(ready(), latencies_ms=(80, 160)))
    buffer.detach(speaking=False)
    buffer.attach(ready())
    assert unsent(buffer) == [Update(turn=TurnSettings("off")), Update(latency_ms=160)]


def test_an_offline_stream_starts_again_without_a_latency() -> None:
    """A server takes an update to the one that it has anyway."""
    buffer = replay_buffer(offline=True)
    buffer.attach(ready())
    buffer.add_message(Update(latency_ms=80))
    buffer.add_audio(SECOND)
    unsent(buffer)
    buffer.settle(0.5)
    assert buffer.start == Start(sample_rate=RATE, offline=True)


@pytest.mark.parametrize("wrong", [("a", "b", "c"), ("too long",)])
def test_key_terms_within_the_limits_were_not_the_refused_ones(wrong: tuple[str, ...]) -> None:
    buffer = opened()
    for keyterms in (("one",), wrong, ("two", "three")):
        buffer.add_message(Update(keyterms=keyterms))
    unsent(buffer)
    limits = replace(ready().limits, keyterms=2, keyterm_characters=5)
    buffer.refuse("invalid_keyterms", replace(ready(), limits=limits))
    buffer.detach(speaking=False)
    buffer.attach(ready())
    assert unsent(buffer) == [Update(keyterms=("one",)), Update(), Update(keyterms=("two", "three"))]


@pytest.mark.parametrize("refused", [Update(latency_ms=80), Update(refine="on")])
def test_what_a_server_had_no_time_for_is_not_asked_again(refused: Update) -> None:
    """Else a stream that it has room for as it is could not come back after a cut."""
    buffer = opened()
    for update in (refused, Update(refine="off"), Update(language="en")):
        buffer.add_message(update)
    unsent(buffer)
    buffer.refuse("server_full", ready())
    buffer.detach(speaking=False)
    buffer.attach(ready())
    assert unsent(buffer) == [Update(), Update(refine="off"), Update(language="en")]


def test_a_refusal_of_what_the_server_lists_is_remembered_too() -> None:
    """An older server takes languages by their own codes only; an offline stream has one latency of those listed."""
    buffer = opened()
    for update in (Update(language="en-US"), Update(language="en"), Update(latency_ms=80)):
        buffer.add_message(update)
    unsent(buffer)
    buffer.refuse("unsupported_language", ready())
    buffer.refuse("unsupported_latency", ready())
    buffer.detach(speaking=False)
    buffer.attach(ready())
    assert unsent(buffer) == [Update(), Update(language="en"), Update()]


def test_a_language_that_the_server_understands_otherwise_was_not_the_refused_one() -> None:
    buffer = opened()
    for language in ("tlh", "de_AT", "multi"):
        buffer.add_message(Update(language=language))
    unsent(buffer)
    buffer.refuse("unsupported_language", replace(ready(), languages=("auto", "en-US", "de-DE")))
    buffer.detach(speaking=False)
    buffer.attach(ready())
    assert unsent(buffer) == [Update(), Update(language="de_AT"), Update(language="multi")]


@pytest.mark.parametrize("code", ["unsupported_keyterms", "idle_timeout", "unheard_of"])
def test_a_refusal_that_fits_no_update_changes_nothing(code: str) -> None:
    buffer = opened()
    buffer.add_message(Update(latency_ms=160))
    unsent(buffer)
    buffer.refuse(code, ready())
    buffer.detach(speaking=False)
    buffer.attach(ready())
    assert unsent(buffer) == [Update(latency_ms=160)]


def test_memory_is_bounded_while_a_connection_lasts() -> None:
    buffer = opened(replay_seconds=3.0)
    for _ in range(100):
        buffer.add_audio(SECOND)
        unsent(buffer)
        assert buffer.held_seconds <= 3.0
    assert buffer.audio_seconds == 100.0


def test_what_a_connection_has_not_heard_is_not_dropped_from_under_it() -> None:
    buffer = opened(replay_seconds=1.0)
    for number in range(5):
        buffer.add_audio(bytes([number]) * 16_000)
    assert b"".join(piece for piece in unsent(buffer) if isinstance(piece, bytes)) == b"".join(
        bytes([number]) * 16_000 for number in range(5)
    )


def test_memory_is_bounded_in_an_outage_and_the_loss_is_told() -> None:
    buffer = opened(replay_seconds=3.0)
    buffer.add_audio(SECOND)
    unsent(buffer)
    buffer.detach(speaking=True)
    for _ in range(9):
        buffer.add_audio(SECOND)
        assert buffer.held_seconds <= 3.0
    assert buffer.attach(ready()) == Resumption(origin=7.0, replayed_seconds=3.0, lost_seconds=7.0)


def test_silence_that_a_server_has_heard_is_no_loss() -> None:
    buffer = opened(replay_seconds=3.0)
    for _ in range(100):
        buffer.add_audio(SECOND)
        unsent(buffer)
    buffer.detach(speaking=False)
    assert buffer.attach(ready()) == Resumption(origin=97.0, replayed_seconds=3.0, lost_seconds=0.0)


def test_a_loss_is_told_once() -> None:
    buffer = opened(replay_seconds=1.0)
    buffer.detach(speaking=True)
    for _ in range(3):
        buffer.add_audio(SECOND)
    assert buffer.attach(ready()).lost_seconds == 2.0
    buffer.detach(speaking=True)
    assert buffer.attach(ready()).lost_seconds == 0.0


def test_messages_whose_audio_is_gone_are_said_first() -> None:
    buffer = opened(replay_seconds=1.0)
    buffer.detach(speaking=True)
    buffer.add_audio(b"a" * 16_000)
    buffer.add_message(Finalize("x"))
    buffer.add_audio(b"b" * 32_000)
    buffer.attach(ready())
    assert unsent(buffer) == [Finalize("x"), b"b" * 16_000]


def test_a_server_cannot_settle_what_it_has_not_heard() -> None:
    buffer = opened()
    buffer.add_audio(SECOND)
    buffer.settle(1e9)
    assert unsent(buffer) == [SECOND]
    buffer.settle(0.5)
    buffer.settle(0.25)
    assert buffer.held_seconds == 0.5


def test_telephone_audio_has_its_own_sizes() -> None:
    buffer = replay_buffer(encoding="mulaw")
    buffer.attach(ready())
    buffer.add_audio(bytes(RATE))
    assert buffer.audio_seconds == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_a_connection_hears_a_gapless_stretch_from_its_origin(seed: int) -> None:
    draw = random.Random(seed)
    buffer, heard, origin, spoken = opened(replay_seconds=0.5), b"", 0.0, b""
    for _ in range(300):
        match draw.randrange(5):
            case 0 | 1:
                piece = draw.randbytes(2 * draw.randrange(1, 2_000))
                spoken += piece
                buffer.add_audio(piece)
            case 2:
                said = buffer.next_unsent()
                heard += said if isinstance(said, bytes) else b""
            case 3:
                buffer.settle(origin + draw.random() * len(heard) / (2 * RATE))
            case 4:
                buffer.detach(speaking=draw.random() < 0.5)
                heard, origin = b"", buffer.attach(ready(1_000)).origin
        first = round(origin * RATE) * 2
        assert spoken[first : first + len(heard)] == heard
