from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from auricle._stream.replay_buffer import Outgoing, ReplayBuffer, Resumption
from auricle.protocol import End, Finalize, Limits, Ready, Start, TurnSettings, Update
from auricle.protocol.server_messages import ChunkGrid, Held

RATE = 8_000
SECOND = bytes(2 * RATE)


def ready(message_bytes: int = 1 << 20, held: Held | None = None, chunks: ChunkGrid | None = None) -> Ready:
    """What a server answers, as far as a journal cares."""
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


def journal(replay_seconds: float = 60.0, packet_seconds: float = 0.0, **start: Any) -> ReplayBuffer:
    return ReplayBuffer(Start(sample_rate=RATE, **start), replay_seconds, packet_seconds)


def opened(replay_seconds: float = 60.0, packet_seconds: float = 0.0) -> ReplayBuffer:
    made = journal(replay_seconds, packet_seconds)
    made.attach(ready())
    return made


def told(made: ReplayBuffer) -> list[Outgoing]:
    """Everything that is to be said now, neighbouring audio joined."""
    out: list[Outgoing] = []
    while (said := made.next()) is not None:
        if isinstance(said, bytes) and out and isinstance(out[-1], bytes):
            out[-1] += said
        else:
            out.append(said)
    return out


def test_all_is_said_once_and_in_order() -> None:
    made = opened()
    made.audio(b"ab")
    made.say(Finalize("x"))
    made.audio(b"cd")
    made.say(Update(latency_ms=160))
    made.say(End())
    assert told(made) == [b"ab", Finalize("x"), b"cd", Update(latency_ms=160), End()]
    assert told(made) == []


def test_tiny_frames_wait_for_a_packet_unless_a_message_follows() -> None:
    made = opened(packet_seconds=0.02)
    made.audio(bytes(318))
    assert made.next() is None
    made.audio(bytes(2))
    assert made.next() == bytes(320)
    made.audio(b"ab")
    made.say(Finalize("x"))
    assert told(made) == [b"ab", Finalize("x")]


def test_big_audio_is_cut_to_what_the_server_takes() -> None:
    made = journal()
    made.attach(ready(1_001))
    made.audio(bytes(3_000))
    assert [len(piece) for piece in iter(made.next, None) if isinstance(piece, bytes)] == [1_000, 1_000, 1_000]


def test_after_an_interruption_all_since_the_settled_point_is_said_again() -> None:
    made = opened()
    made.audio(b"a" * 16_000)
    made.say(Finalize("x"))
    made.audio(b"b" * 16_000)
    told(made)
    made.answer("x")
    made.settle(1.0)
    assert made.held_seconds == 1.0
    made.detach(speaking=True)
    made.audio(b"c" * 16_000)
    assert made.unsent_seconds == 2.0
    assert made.attach(ready()) == Resumption(origin=1.0, replayed_seconds=2.0, lost_seconds=0.0)
    assert told(made) == [b"b" * 16_000 + b"c" * 16_000]


def test_what_has_no_answer_yet_is_asked_again_at_its_place() -> None:
    made = opened()
    made.audio(b"ab")
    made.say(Finalize("x"))
    made.audio(b"cd")
    made.say(Finalize("y"))
    made.say(End())
    told(made)
    assert made.pending == {"x", "y"}
    made.answer("x")
    made.detach(speaking=True)
    made.attach(ready())
    assert told(made) == [b"abcd", Finalize("y"), End()]


def test_settings_changed_before_the_settled_point_are_in_the_new_start() -> None:
    made = opened()
    turn = TurnSettings("off")
    made.say(Update(latency_ms=160, language="de-DE"))
    made.audio(SECOND)
    made.say(Update(language="en-US", turn=turn, keyterms=("auricle",), refine="on"))
    made.audio(SECOND)
    made.say(Update(latency_ms=80, refine="auto"))
    told(made)
    made.settle(1.5)
    made.detach(speaking=True)
    made.attach(ready())
    assert made.start == Start(
        sample_rate=RATE, latency_ms=160, language="en-US", turn=turn, keyterms=("auricle",), refine="on"
    )
    assert told(made) == [SECOND[: len(SECOND) // 2], Update(latency_ms=80, refine="auto")]


def test_what_a_server_refused_is_not_asked_again() -> None:
    made = opened()
    made.say(Update(latency_ms=999, turn=TurnSettings("off")))
    made.say(Update(latency_ms=160))
    told(made)
    made.refuse("unsupported_latency", replace(ready(), latencies_ms=(80, 160)))
    made.detach(speaking=False)
    made.attach(ready())
    assert told(made) == [Update(turn=TurnSettings("off")), Update(latency_ms=160)]


def test_an_offline_stream_starts_again_without_a_latency() -> None:
    """A server takes an update to the one that it has anyway."""
    made = journal(offline=True)
    made.attach(ready())
    made.say(Update(latency_ms=80))
    made.audio(SECOND)
    told(made)
    made.settle(0.5)
    assert made.start == Start(sample_rate=RATE, offline=True)


@pytest.mark.parametrize("wrong", [("a", "b", "c"), ("too long",)])
def test_key_terms_within_the_limits_were_not_the_refused_ones(wrong: tuple[str, ...]) -> None:
    made = opened()
    for keyterms in (("one",), wrong, ("two", "three")):
        made.say(Update(keyterms=keyterms))
    told(made)
    limits = replace(ready().limits, keyterms=2, keyterm_characters=5)
    made.refuse("invalid_keyterms", replace(ready(), limits=limits))
    made.detach(speaking=False)
    made.attach(ready())
    assert told(made) == [Update(keyterms=("one",)), Update(), Update(keyterms=("two", "three"))]


@pytest.mark.parametrize("refused", [Update(latency_ms=80), Update(refine="on")])
def test_what_a_server_had_no_time_for_is_not_asked_again(refused: Update) -> None:
    """Else a stream that it has room for as it is could not come back after a cut."""
    made = opened()
    for update in (refused, Update(refine="off"), Update(language="en")):
        made.say(update)
    told(made)
    made.refuse("server_full", ready())
    made.detach(speaking=False)
    made.attach(ready())
    assert told(made) == [Update(), Update(refine="off"), Update(language="en")]


def test_a_refusal_of_what_the_server_lists_is_remembered_too() -> None:
    """An older server takes languages by their own codes only; an offline stream has one latency of those listed."""
    made = opened()
    for update in (Update(language="en-US"), Update(language="en"), Update(latency_ms=80)):
        made.say(update)
    told(made)
    made.refuse("unsupported_language", ready())
    made.refuse("unsupported_latency", ready())
    made.detach(speaking=False)
    made.attach(ready())
    assert told(made) == [Update(), Update(language="en"), Update()]


def test_a_language_that_the_server_understands_otherwise_was_not_the_refused_one() -> None:
    made = opened()
    for language in ("tlh", "de_AT", "multi"):
        made.say(Update(language=language))
    told(made)
    made.refuse("unsupported_language", replace(ready(), languages=("auto", "en-US", "de-DE")))
    made.detach(speaking=False)
    made.attach(ready())
    assert told(made) == [Update(), Update(language="de_AT"), Update(language="multi")]


@pytest.mark.parametrize("code", ["unsupported_keyterms", "idle_timeout", "unheard_of"])
def test_a_refusal_that_fits_no_update_changes_nothing(code: str) -> None:
    made = opened()
    made.say(Update(latency_ms=160))
    told(made)
    made.refuse(code, ready())
    made.detach(speaking=False)
    made.attach(ready())
    assert told(made) == [Update(latency_ms=160)]


def test_memory_is_bounded_while_a_connection_lasts() -> None:
    made = opened(replay_seconds=3.0)
    for _ in range(100):
        made.audio(SECOND)
        told(made)
        assert made.held_seconds <= 3.0
    assert made.seconds == 100.0


def test_what_a_connection_has_not_heard_is_not_dropped_from_under_it() -> None:
    made = opened(replay_seconds=1.0)
    for number in range(5):
        made.audio(bytes([number]) * 16_000)
    assert b"".join(piece for piece in told(made) if isinstance(piece, bytes)) == b"".join(
        bytes([number]) * 16_000 for number in range(5)
    )


def test_memory_is_bounded_in_an_outage_and_the_loss_is_told() -> None:
    made = opened(replay_seconds=3.0)
    made.audio(SECOND)
    told(made)
    made.detach(speaking=True)
    for _ in range(9):
        made.audio(SECOND)
        assert made.held_seconds <= 3.0
    assert made.attach(ready()) == Resumption(origin=7.0, replayed_seconds=3.0, lost_seconds=7.0)


def test_silence_that_a_server_has_heard_is_no_loss() -> None:
    made = opened(replay_seconds=3.0)
    for _ in range(100):
        made.audio(SECOND)
        told(made)
    made.detach(speaking=False)
    assert made.attach(ready()) == Resumption(origin=97.0, replayed_seconds=3.0, lost_seconds=0.0)


def test_a_loss_is_told_once() -> None:
    made = opened(replay_seconds=1.0)
    made.detach(speaking=True)
    for _ in range(3):
        made.audio(SECOND)
    assert made.attach(ready()).lost_seconds == 2.0
    made.detach(speaking=True)
    assert made.attach(ready()).lost_seconds == 0.0


def test_messages_whose_audio_is_gone_are_said_first() -> None:
    made = opened(replay_seconds=1.0)
    made.detach(speaking=True)
    made.audio(b"a" * 16_000)
    made.say(Finalize("x"))
    made.audio(b"b" * 32_000)
    made.attach(ready())
    assert told(made) == [Finalize("x"), b"b" * 16_000]


def test_a_server_cannot_settle_what_it_has_not_heard() -> None:
    made = opened()
    made.audio(SECOND)
    made.settle(1e9)
    assert told(made) == [SECOND]
    made.settle(0.5)
    made.settle(0.25)
    assert made.held_seconds == 0.5


def test_telephone_audio_has_its_own_sizes() -> None:
    made = journal(encoding="mulaw")
    made.attach(ready())
    made.audio(bytes(RATE))
    assert made.seconds == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_a_connection_hears_a_gapless_stretch_from_its_origin(seed: int) -> None:
    draw = random.Random(seed)
    made, heard, origin, spoken = opened(replay_seconds=0.5), b"", 0.0, b""
    for _ in range(300):
        match draw.randrange(5):
            case 0 | 1:
                piece = draw.randbytes(2 * draw.randrange(1, 2_000))
                spoken += piece
                made.audio(piece)
            case 2:
                said = made.next()
                heard += said if isinstance(said, bytes) else b""
            case 3:
                made.settle(origin + draw.random() * len(heard) / (2 * RATE))
            case 4:
                made.detach(speaking=draw.random() < 0.5)
                heard, origin = b"", made.attach(ready(1_000)).origin
        first = round(origin * RATE) * 2
        assert spoken[first : first + len(heard)] == heard


# --- the same stream on another connection ---------------------------------------------------------------------------


def test_a_server_that_kept_the_stream_gets_what_it_has_not_got() -> None:
    made = opened()
    made.audio(SECOND)
    made.say(Finalize("a"))
    made.audio(b"abcd")
    told(made)
    made.detach(speaking=True)
    made.audio(b"ef")
    resumption = made.resume(ready(held=Held(samples=RATE + 1, messages=1)))
    assert resumption == Resumption(0.0, 2 / RATE, 0.0)
    assert made.told == (["a"], False)
    assert told(made) == [b"cdef"]


def test_messages_that_were_lost_on_the_way_are_said_again_in_their_place() -> None:
    made = opened()
    made.say(Finalize("a"))
    made.audio(b"ab")
    made.say(Update(latency_ms=160))
    made.say(Finalize("b"))
    made.say(End())
    told(made)
    made.detach(speaking=True)
    assert made.resume(ready(held=Held(samples=0, messages=1))) is not None
    assert told(made) == [b"ab", Update(latency_ms=160), Finalize("b"), End()]
    assert made.told == (["a", "b"], True)


def test_messages_that_were_answered_before_the_cut_count_as_well() -> None:
    made = opened()
    made.say(Finalize("a"))
    made.audio(b"ab")
    made.say(Finalize("b"))
    told(made)
    made.answer("a")
    made.settle(0.0)
    made.detach(speaking=True)
    assert made.resume(ready(held=Held(samples=1, messages=1))) is not None
    assert told(made) == [Finalize("b")]


def test_a_stream_can_be_cut_again_before_it_has_caught_up() -> None:
    made = opened()
    made.audio(b"abcdef")
    made.say(Finalize("a"))
    told(made)
    made.detach(speaking=True)
    assert made.resume(ready(held=Held(samples=1, messages=0))) is not None
    assert made.next() == b"cdef"
    made.detach(speaking=True)
    assert made.resume(ready(held=Held(samples=2, messages=0))) is not None
    assert told(made) == [b"ef", Finalize("a")]
    made.detach(speaking=True)
    assert made.resume(ready(held=Held(samples=3, messages=1))) is not None
    assert told(made) == []


def test_an_origin_stays_that_of_the_first_connection_of_a_stream() -> None:
    made = opened()
    made.audio(SECOND)
    told(made)
    made.settle(0.5)
    made.detach(speaking=False)
    made.attach(ready())
    told(made)
    made.detach(speaking=False)
    resumption = made.resume(ready(held=Held(samples=RATE // 2, messages=0)))
    assert resumption == Resumption(0.5, 0.0, 0.0)


@pytest.mark.parametrize("held", [Held(samples=RATE + 1, messages=0), Held(0, 5), Held(0, 0), None])
def test_what_a_server_cannot_have_is_no_stream_to_go_on_with(held: Held | None) -> None:
    made = opened()
    made.audio(SECOND)
    told(made)
    made.settle(0.5)
    made.detach(speaking=True)
    assert made.resume(ready(held=held)) is None
    assert made.attach(ready()).origin == 0.5
    assert told(made) == [SECOND[: len(SECOND) // 2]]


def test_an_update_at_the_settled_point_is_not_forgotten_before_the_server_has_it() -> None:
    made = opened()
    made.audio(b"ab")
    made.say(Update(language="de"))
    told(made)
    made.settle(1 / RATE)
    made.detach(speaking=False)
    assert made.resume(ready(held=Held(samples=1, messages=0))) is not None
    assert told(made) == [Update(language="de")]


# --- the server's chunks ---------------------------------------------------------------------------------------------


def test_audio_goes_out_when_it_completes_a_chunk() -> None:
    made = journal(packet_seconds=0.02)
    made.attach(ready(chunks=ChunkGrid(first=0.0125, step=0.08)))
    sizes = []
    for _ in range(50):
        made.audio(bytes(2 * RATE // 100))
        sizes.append(sum(len(said) for said in told(made) if isinstance(said, bytes)) * 1000 // (2 * RATE))
    assert [10 * index for index, size in enumerate(sizes, 1) if size] == [20, 100, 180, 260, 340, 420, 500]


def test_long_chunks_go_out_in_parts_that_end_on_them() -> None:
    made = journal(packet_seconds=0.02)
    made.attach(ready(chunks=ChunkGrid(first=1.0525, step=1.12)))
    ends = []
    for index in range(1, 2240):
        made.audio(bytes(2 * RATE // 1000))
        ends += [index for said in told(made) if said]
    assert ends[:8] == [93, 253, 413, 573, 733, 893, 1053, 1213]
    assert 2173 in ends


def test_a_message_takes_the_audio_before_it_along() -> None:
    made = journal(packet_seconds=0.02)
    made.attach(ready(chunks=ChunkGrid(first=0.0, step=10.0)))
    made.audio(b"ab")
    made.say(Finalize("x"))
    assert told(made) == [b"ab", Finalize("x")]


def test_after_a_change_of_latency_the_chunks_are_not_known() -> None:
    made = journal(packet_seconds=0.02)
    made.attach(ready(chunks=ChunkGrid(first=0.0, step=0.16)))
    made.say(Update(latency_ms=80))
    told(made)
    made.audio(bytes(2 * RATE // 50))
    assert told(made) == [bytes(2 * RATE // 50)]
