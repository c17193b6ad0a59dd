"""What the query of a listen URL asks for.

Every parameter is accepted, as clients send many that their users never chose. Those that ask for something which is
not served are named in a header of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from multidict import MultiMapping

from auricle.protocol.client_messages import Start
from auricle.protocol.languages import AUTO
from auricle.protocol.settings import MAX_SILENCE_MS, InvalidMessage, TurnSettings
from auricle_server.gateway.dialects.deepgram_listen.writing import WRITING_PARAMETERS, text_format
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.formats.deepgram_audio import SAMPLES, DeepgramAudio, read_audio

LEAST_ENDPOINTING_MS: Final = 200
"""Shortest endpointing. Clients ask for 10 ms or 25 ms by default, which Deepgram counts by a voice detector. Here
silence counts from the end of the last word: less than this also lies between the words of fluent speech."""
DEFAULT_PAUSE_MS: Final = 1_000
"""With ``endpointing=false``, the pause after which words become final: Deepgram also seals them from time to time."""
LONGEST_SEGMENT: Final = 10.0
"""With ``endpointing=false``, seconds of speech without a pause after which its words become final."""

LIVE_PARAMETERS: Final = (
    frozenset(
        "channels encoding endpointing interim_results keyterm keywords language latency_ms multichannel punctuate "
        "sample_rate utterance_end_ms vad_events".split()
    )
    | WRITING_PARAMETERS
)
"""What a live stream does as it is asked."""
_WITHOUT_EFFECT: Final = frozenset(
    "callback_method extra mip_opt_out model no_delay tag version utt_split diarize_version".split()
)
"""Parameters that change nothing in the words: they are neither served nor missed."""
_FALSE: Final = frozenset({"", "false", "none", "0"})
_MANY: Final = frozenset({"multi", AUTO})


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """How the results are to be told.

    Attributes:
        interim_results: Whether words are told before they are final.
        punctuated: Whether they have case and punctuation.
        vad_events: Whether the start of speech is told.
        ends_utterances: Whether a final says that its utterance has ended.
        utterance_end: Seconds after the last word at which that is told in a message of its own; None for never.
        many_languages: Whether words have their language.
        audio: How the audio comes.
        unserved: Parameters that ask for what is not served.
    """

    interim_results: bool = False
    punctuated: bool = False
    vad_events: bool = False
    ends_utterances: bool = True
    utterance_end: float | None = None
    many_languages: bool = False
    audio: DeepgramAudio = SAMPLES
    unserved: tuple[str, ...] = ()


def read_query(query: MultiMapping[str]) -> tuple[Start, ListenOptions]:
    """The settings of a live stream, and how its results are to be told.

    Raises:
        BadRequest: A value cannot be.
    """
    options, endpointing_ms = read_options(query), _endpointing(query)
    audio, rate = _audio(query)
    start = make_start(
        query,
        encoding=audio.session_encoding,
        sample_rate=rate,
        turn=_turn(endpointing_ms, whole_number(query, "utterance_end_ms")),
        interim_words=options.interim_results,
    )
    missed = ("multichannel",) if audio.contained and is_on(query, "multichannel") else ()
    ends = endpointing_ms is not None
    return start, replace(options, ends_utterances=ends, audio=audio, unserved=options.unserved + missed)


def _audio(query: MultiMapping[str]) -> tuple[DeepgramAudio, int]:
    """How the audio comes, and the sample rate of the session."""
    rate, channels = whole_number(query, "sample_rate"), whole_number(query, "channels") or 1
    return read_audio(query.get("encoding", ""), rate, channels, split=_splits(query))


def _splits(query: MultiMapping[str]) -> bool:
    return is_on(query, "multichannel") and (whole_number(query, "channels") or 1) > 1


def read_options(query: MultiMapping[str], served: frozenset[str] = LIVE_PARAMETERS) -> ListenOptions:
    """How results are to be told.

    Args:
        query: Of the URL.
        served: The parameters that the server does as they ask.

    Raises:
        BadRequest: A value cannot be.
    """
    utterance_end_ms = whole_number(query, "utterance_end_ms")
    return ListenOptions(
        interim_results=is_on(query, "interim_results"),
        punctuated=is_on(query, "punctuate") or is_on(query, "smart_format"),
        vad_events=is_on(query, "vad_events"),
        utterance_end=None if utterance_end_ms is None else utterance_end_ms / 1000,
        many_languages=(_language(query) or "").lower() in _MANY,
        unserved=tuple(_unserved(query, served)),
    )


def make_start(query: MultiMapping[str], **settings: Any) -> Start:
    """The settings of a stream: these, and those of the query that live streams and recordings share.

    Raises:
        BadRequest: A value cannot be.
    """
    latency_ms, keyterms = whole_number(query, "latency_ms"), _keyterms(query)
    features = {name: is_on(query, name) for name in WRITING_PARAMETERS}
    try:
        written = text_format(query, features)
        return Start(
            latency_ms=latency_ms, language=_language(query), keyterms=keyterms, text_format=written, **settings
        )
    except InvalidMessage as invalid:
        raise BadRequest(str(invalid)) from invalid


def _language(query: MultiMapping[str]) -> str | None:
    return "multi" if is_on(query, "detect_language") else query.get("language") or None


def is_on(query: MultiMapping[str], name: str) -> bool:
    """Whether a parameter asks for something."""
    return query.get(name, "").lower() not in _FALSE


def whole_number(query: MultiMapping[str], name: str) -> int | None:
    """A number; None where there is none, or it is switched off.

    Raises:
        BadRequest: It is no whole number.
    """
    value = query.get(name, "")
    if value.lower() in _FALSE:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise BadRequest(f"{name}: expected a whole number, got {value[:64]!r}")
    return int(value)


def _endpointing(query: MultiMapping[str]) -> int | None:
    """Milliseconds of silence that end an utterance; None for never."""
    value = query.get("endpointing", "true").lower()
    if value in {"", "true"}:
        return LEAST_ENDPOINTING_MS
    return whole_number(query, "endpointing")


def _turn(endpointing_ms: int | None, utterance_end_ms: int | None) -> TurnSettings:
    if endpointing_ms is None:
        return TurnSettings(silence_ms=_silence(utterance_end_ms or DEFAULT_PAUSE_MS), max_turn_seconds=LONGEST_SEGMENT)
    # The words of an utterance must be final before its end is told.
    return TurnSettings(silence_ms=_silence(min(endpointing_ms, utterance_end_ms or endpointing_ms)))


def _silence(ms: int) -> int:
    return min(max(ms, LEAST_ENDPOINTING_MS), MAX_SILENCE_MS)


def _keyterms(query: MultiMapping[str]) -> tuple[str, ...]:
    # A keyword may end with a boost ("word:1.5"), for which there is no scale here; a negative one disfavours it.
    keywords = (each.rpartition(":") for each in query.getall("keywords", []))
    favoured = [word or last for word, _, last in keywords if not (word and last.startswith("-"))]
    return tuple(dict.fromkeys(term for term in [*query.getall("keyterm", []), *favoured] if term.strip()))


def _unserved(query: MultiMapping[str], served: frozenset[str]) -> Iterable[str]:
    for name in dict.fromkeys(query):
        if name not in served | _WITHOUT_EFFECT and is_on(query, name):
            # It comes back in a header: RFC 9110, section 5.6.2, says which characters a name there may have.
            yield "".join(each for each in name[:64] if each.isascii() and (each.isalnum() or each in "_-"))
