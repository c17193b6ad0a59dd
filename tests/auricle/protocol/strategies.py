"""Hypothesis strategies for every message and event of the protocol."""

from __future__ import annotations

from hypothesis import strategies as st

from auricle.protocol import (
    End,
    Error,
    Final,
    Finalize,
    Interim,
    KeytermsInForce,
    LanguageSpan,
    Limits,
    NoWords,
    Ready,
    Settled,
    SpeechStarted,
    Start,
    TurnEagerEnd,
    TurnEnd,
    TurnResumed,
    Update,
    Word,
)
from auricle.protocol.client_messages import ENCODINGS, MAX_ID_LENGTH
from auricle.protocol.settings import (
    EXPECTS,
    NUMBER_FORMATS,
    REFINES,
    TURN_MODES,
    Replacement,
    TextFormat,
    TurnSettings,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
seconds = st.floats(0, 1e6)
share = st.floats(0, 1)
seq = st.integers(0, 1 << 40)
turns = st.builds(
    TurnSettings,
    mode=st.sampled_from(TURN_MODES),
    silence_ms=st.integers(500, 10_000),
    eager_silence_ms=st.none() | st.integers(80, 499),
    end_threshold=st.floats(0.5, 1),
    eager_threshold=st.none() | st.floats(0.1, 0.4),
    min_silence_ms=st.integers(80, 400),
    max_silence_ms=st.integers(400, 10_000),
    max_turn_seconds=st.none() | st.floats(1, 3_600),
    expect=st.sampled_from(EXPECTS),
    no_words=st.booleans(),
)
keyterms = st.lists(text, max_size=4).map(tuple)
text_formats = st.builds(
    TextFormat,
    numbers=st.sampled_from(NUMBER_FORMATS),
    profanity_filter=st.booleans(),
    replace=st.lists(st.builds(Replacement, text.filter(str.strip), text), max_size=3).map(tuple),
)
latencies = st.integers(1, 5_000)

starts = st.builds(
    Start,
    encoding=st.sampled_from(ENCODINGS),
    sample_rate=st.integers(8_000, 48_000),
    latency_ms=st.none() | latencies,
    language=st.none() | text,
    turn=turns,
    keyterms=keyterms,
    words=st.booleans(),
    refine=st.sampled_from(REFINES),
    text_format=text_formats,
)
updates = st.builds(
    Update,
    latency_ms=st.none() | latencies,
    language=st.none() | text,
    turn=st.none() | turns,
    keyterms=st.none() | keyterms,
    refine=st.none() | st.sampled_from(REFINES),
    text_format=st.none() | text_formats,
)
finalizes = st.builds(Finalize, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_ID_LENGTH))
client_messages = starts | updates | finalizes | st.just(End())

words = st.builds(Word, text, seconds, seconds, share)
limits = st.builds(Limits, st.integers(1, 1 << 30), seconds, seconds, seconds)
readies = st.builds(
    Ready,
    seq=seq,
    audio_time=seconds,
    session=text,
    model=text,
    latencies_ms=st.lists(latencies, max_size=4).map(tuple),
    languages=st.lists(text, max_size=4).map(tuple),
    latency_ms=latencies,
    language=text,
    limits=limits,
)
finals = st.builds(
    Final,
    seq=seq,
    audio_time=seconds,
    text=text,
    start=seconds,
    end=seconds,
    language=text,
    words=st.lists(words, max_size=4).map(tuple),
    finalize_id=st.none() | text,
    settled=seconds,
    languages=st.lists(st.builds(LanguageSpan, text, seconds), max_size=3).map(tuple),
    backchannel=st.none() | share,
    collected=text,
)
turn_ends = {
    "seq": seq,
    "audio_time": seconds,
    "probability": share,
    "speech_end": seconds,
    "text": text,
    "backchannel": st.none() | share,
    "collected": text,
}
server_events = (
    readies
    | finals
    | st.builds(SpeechStarted, seq=seq, audio_time=seconds, start=seconds)
    | st.builds(Interim, seq=seq, audio_time=seconds, text=text, start=seconds, end=seconds, language=text)
    | st.builds(NoWords, seq=seq, audio_time=seconds, start=seconds, end=seconds)
    | st.builds(Settled, seq=seq, audio_time=seconds, settled=seconds)
    | st.builds(TurnEagerEnd, **turn_ends)
    | st.builds(KeytermsInForce, seq=seq, audio_time=seconds, count=st.integers(0, 1000))
    | st.builds(TurnResumed, seq=seq, audio_time=seconds, probability=share)
    | st.builds(TurnEnd, **turn_ends)
    | st.builds(
        Error,
        seq=seq,
        audio_time=seconds,
        code=text,
        fault=st.sampled_from(["client", "server"]),
        fatal=st.booleans(),
        message=text,
    )
)
