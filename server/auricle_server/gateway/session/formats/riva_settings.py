"""What clients of NVIDIA ask for, over gRPC or through NIM's realtime socket, as settings of a stream.

Source: nvidia-riva-client 2.28, ``riva/client/asr.py``, ``riva/client/realtime.py`` and ``riva_asr.proto``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auricle.protocol.client_messages import Start
from auricle.protocol.languages import AUTO, resolve
from auricle.protocol.server_messages import Limits
from auricle.protocol.settings import MAX_SILENCE_MS, MIN_SILENCE_MS, TextFormat, TurnSettings, brief
from auricle_server.gateway.errors import BadRequest
from auricle_server.model_info import ModelInfo

RIVA_MODELS = ("parakeet", "conformer", "canary", "citrinet", "whisper", "nemotron-asr")
"""Beginnings of the names of the models that NVIDIA serves."""
DEFAULT_RATE = 16_000
_MAX_CHANNELS = 8


@dataclass(frozen=True, slots=True)
class RivaSettings:
    """A request for recognition.

    Attributes:
        start: Of the stream.
        channels: Of the audio, of which the first is heard.
        interims: Whether the client wants interim results.
        words: Whether it wants words with times.
        punctuated: Whether it wants case and punctuation.
        wave: Whether the audio may begin with the header of a WAV file.
    """

    start: Start
    channels: int = 1
    interims: bool = False
    words: bool = False
    punctuated: bool = False
    wave: bool = False


def channel_count(count: int, field: str) -> int:
    """The number of channels; 0 leaves it to the server.

    Raises:
        BadRequest: There are too many.
    """
    count = count or 1
    if not 1 <= count <= _MAX_CHANNELS:
        raise BadRequest(f"{field}: expected 1 to {_MAX_CHANNELS}, got {count}")
    return count


def latency(custom: Mapping[str, str]) -> int | None:
    """The chunk latency in a custom configuration, in milliseconds; None for the model's default.

    Raises:
        BadRequest: It is no number.
    """
    text = custom.get("latency_ms")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 7):
        raise BadRequest(
            f"custom_configuration.latency_ms: expected a positive number of milliseconds, got {brief(text)}"
        )
    return int(text)


def language(code: str, model: ModelInfo, field: str) -> str | None:
    """The language to decode; None for the model's default.

    Raises:
        BadRequest: The model has no such language.
    """
    if not code:
        return None
    if code.lower() in {"multi", AUTO}:
        return AUTO if AUTO in model.languages else None
    if resolve(code, model.languages) is None:
        raise BadRequest(f"{field}: this server has {', '.join(model.languages)}, not {brief(code)}")
    return code


def turn(stop_history: int, stop_history_eou: int, custom: Mapping[str, str]) -> TurnSettings:
    """Turn detection.

    Args:
        stop_history: Milliseconds of silence that end an utterance; 0 or less for the default.
        stop_history_eou: Milliseconds of silence after which its end is probable; 0 or less for none.
        custom: The custom configuration.
    """
    if custom.get("turn_mode") == "semantic":
        return TurnSettings("semantic")
    silence_ms = TurnSettings().silence_ms
    if stop_history > 0:
        silence_ms = min(max(stop_history, MIN_SILENCE_MS), MAX_SILENCE_MS)
    eager_ms = stop_history_eou if MIN_SILENCE_MS <= stop_history_eou < silence_ms else None
    return TurnSettings("silence", silence_ms=silence_ms, eager_silence_ms=eager_ms)


def phrases(boosted: Iterable[tuple[Sequence[str], float]], limits: Limits, field: str) -> tuple[str, ...]:
    """The phrases to favour; those with a negative boost are to be avoided, and are left out.

    Args:
        boosted: Lists of phrases, each with its boost.
        limits: Of the stream.
        field: That names them, for errors.

    Raises:
        BadRequest: They are too many, or too long.
    """
    favoured = (phrase for listed, boost in boosted if boost >= 0 for phrase in listed)
    terms = tuple(filter(None, dict.fromkeys(" ".join(phrase.split()) for phrase in favoured)))
    if not limits.fit(terms):
        raise BadRequest(
            f"{field}: at most {limits.keyterms} phrases of {limits.keyterm_characters} characters, got "
            f"{len(terms)} of up to {max(map(len, terms))}"
        )
    return terms


def text_format(*, verbatim: bool, profanity_filter: bool) -> TextFormat:
    """How words are written: NVIDIA normalises numbers unless its client wants them verbatim."""
    return TextFormat("words" if verbatim else "smart", profanity_filter=profanity_filter)
