"""What the query of a listen URL asks for.

Every parameter is accepted, as clients send many that their users never chose. Those that ask for something which is
not served are named in a header of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from multidict import MultiMapping

from auricle.protocol.client_messages import Encoding, Start
from auricle.protocol.languages import AUTO
from auricle.protocol.settings import MAX_SILENCE_MS, InvalidMessage, TurnSettings
from auricle_server.gateway.errors import BadRequest

LEAST_ENDPOINTING_MS: Final = 200
"""Shortest endpointing. Clients ask for 10 ms or 25 ms by default, which Deepgram counts by a voice detector. Here
silence counts from the end of the last word: less than this also lies between the words of fluent speech."""
DEFAULT_PAUSE_MS: Final = 1_000
"""With ``endpointing=false``, the pause after which words become final: Deepgram also seals them from time to time."""
LONGEST_SEGMENT: Final = 10.0
"""With ``endpointing=false``, seconds of speech without a pause after which its words become final."""

_RAW: Final[dict[str, tuple[Encoding, int]]] = {
    "linear16": ("pcm_s16le", 16_000),
    "linear32": ("pcm_s16le", 16_000),
    "mulaw": ("mulaw", 8_000),
    "alaw": ("alaw", 8_000),
}
"""Encodings without a container, as the session has them, and the sample rate where the query names none."""
_SERVED: Final = frozenset(
    "channels encoding endpointing interim_results keyterm keywords language latency_ms punctuate sample_rate "
    "smart_format utterance_end_ms vad_events".split()
)
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
        wide_samples: Whether samples have 32 bits.
        unserved: Parameters that ask for what is not served.
    """

    interim_results: bool = False
    punctuated: bool = False
    vad_events: bool = False
    ends_utterances: bool = True
    utterance_end: float | None = None
    many_languages: bool = False
    wide_samples: bool = False
    unserved: tuple[str, ...] = ()


def read_query(query: MultiMapping[str]) -> tuple[Start, ListenOptions]:
    """The settings of the stream, and how its results are to be told.

    Raises:
        BadRequest: A value cannot be.
    """
    language = "multi" if _is_on(query, "detect_language") else query.get("language") or None
    encoding = query.get("encoding", "linear16").lower()
    if encoding not in _RAW:
        raise BadRequest(f"encoding {encoding!r} is not one of {', '.join(_RAW)}; send one of these")
    raw, rate = _RAW[encoding]
    endpointing_ms, utterance_end_ms = _endpointing(query), _number(query, "utterance_end_ms")
    options = ListenOptions(
        interim_results=_is_on(query, "interim_results"),
        punctuated=_is_on(query, "punctuate") or _is_on(query, "smart_format"),
        vad_events=_is_on(query, "vad_events"),
        ends_utterances=endpointing_ms is not None,
        utterance_end=None if utterance_end_ms is None else utterance_end_ms / 1000,
        many_languages=language is not None and language.lower() in _MANY,
        wide_samples=encoding == "linear32",
        unserved=tuple(_unserved(query)),
    )
    try:
        start = Start(
            encoding=raw,
            sample_rate=_number(query, "sample_rate") or rate,
            latency_ms=_number(query, "latency_ms"),
            language=language,
            turn=_turn(endpointing_ms, utterance_end_ms),
            keyterms=_keyterms(query),
            interim_words=options.interim_results,
        )
    except InvalidMessage as invalid:
        raise BadRequest(str(invalid)) from invalid
    return start, options


def _is_on(query: MultiMapping[str], name: str) -> bool:
    return query.get(name, "").lower() not in _FALSE


def _number(query: MultiMapping[str], name: str) -> int | None:
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
    return _number(query, "endpointing")


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


def _unserved(query: MultiMapping[str]) -> Iterable[str]:
    for name in dict.fromkeys(query):
        if name not in _SERVED | _WITHOUT_EFFECT and _is_on(query, name):
            # It comes back in a header: RFC 9110, section 5.6.2, says which characters a name there may have.
            yield "".join(each for each in name[:64] if each.isascii() and (each.isalnum() or each in "_-"))
