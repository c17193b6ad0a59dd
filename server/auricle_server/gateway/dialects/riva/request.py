"""What a client of Riva asks for, as settings of a stream.

Source: nvidia-riva-client 2.28, ``riva/client/asr.py`` and the descriptors of ``riva_asr.proto``.
"""

from __future__ import annotations

from dataclasses import dataclass

from auricle.protocol.client_messages import Encoding, Start
from auricle.protocol.languages import AUTO, resolve
from auricle.protocol.server_messages import Limits
from auricle.protocol.settings import (
    MAX_SILENCE_MS,
    MIN_SILENCE_MS,
    InvalidMessage,
    TextFormat,
    TurnSettings,
    brief,
)
from auricle_server.gateway.dialects.riva.messages import ALAW, MULAW, PCM, Message, entries
from auricle_server.gateway.errors import BadRequest
from auricle_server.model_info import ModelInfo

ENCODINGS: dict[int, Encoding] = {0: "pcm_s16le", PCM: "pcm_s16le", MULAW: "mulaw", ALAW: "alaw"}
MAX_CHANNELS = 8
_DEFAULT_RATE = 16_000


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


def read_streaming(streaming_config: Message, model: ModelInfo, limits: Limits) -> RivaSettings:
    """The stream that a first request asks for.

    Args:
        streaming_config: A ``StreamingRecognitionConfig``.
        model: What the server serves.
        limits: Of the stream.

    Raises:
        BadRequest: The server has no such stream.
    """
    config = streaming_config.config
    if config.encoding not in ENCODINGS:
        raise BadRequest("encoding: a stream here has LINEAR_PCM, MULAW or ALAW; FLAC and OGGOPUS go to Recognize")
    return _settings(config, model, limits, interims=streaming_config.interim_results)


def read_recording(config: Message, model: ModelInfo, limits: Limits) -> RivaSettings:
    """What a request with a whole recording asks for, which is decoded to 16 kHz PCM before a stream gets it.

    Args:
        config: A ``RecognitionConfig``.
        model: As for `read_streaming`.
        limits: As for `read_streaming`.

    Raises:
        BadRequest: As `read_streaming`.
    """
    return _settings(config, model, limits, recording=True)


def _settings(
    config: Message, model: ModelInfo, limits: Limits, *, interims: bool = False, recording: bool = False
) -> RivaSettings:
    channels = config.audio_channel_count or 1
    if not 1 <= channels <= MAX_CHANNELS:
        raise BadRequest(f"audio_channel_count: expected 1 to {MAX_CHANNELS}, got {channels}")
    custom = entries(config.custom_configuration)
    latency_ms = _whole(custom, "latency_ms")
    try:
        start = Start(
            encoding="pcm_s16le" if recording else ENCODINGS[config.encoding],
            sample_rate=_DEFAULT_RATE if recording else config.sample_rate_hertz or _DEFAULT_RATE,
            latency_ms=latency_ms,
            language=_language(config.language_code, model),
            turn=_turn(config, custom),
            keyterms=_keyterms(config, limits),
            words=config.enable_word_time_offsets,
            offline=recording and latency_ms is None,
            # Riva normalises numbers unless its client wants them verbatim.
            text_format=TextFormat(
                "words" if config.verbatim_transcripts else "smart", profanity_filter=config.profanity_filter
            ),
        )
    except InvalidMessage as error:
        raise BadRequest(str(error)) from error
    return RivaSettings(
        start,
        1 if recording else channels,
        interims,
        config.enable_word_time_offsets,
        config.enable_automatic_punctuation,
        wave=config.encoding in {0, PCM},
    )


def _whole(custom: dict[str, str], name: str) -> int | None:
    text = custom.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 7):
        raise BadRequest(f"custom_configuration.{name}: expected a positive number of milliseconds, got {brief(text)}")
    return int(text)


def _language(code: str, model: ModelInfo) -> str | None:
    """The language to decode; None for the model's default."""
    if not code:
        return None
    if code.lower() in {"multi", AUTO}:
        return AUTO if AUTO in model.languages else None
    if resolve(code, model.languages) is None:
        offered = ", ".join(model.languages)
        raise BadRequest(f"language_code: this server has {offered}, not {brief(code)}")
    return code


def _turn(config: Message, custom: dict[str, str]) -> TurnSettings:
    """Turn detection.

    Riva's ``stop_history`` is the silence that ends an utterance, a shorter ``stop_history_eou`` the one after which
    its end is probable.
    """
    if custom.get("turn_mode") == "semantic":
        return TurnSettings("semantic")
    endpointing = config.endpointing_config
    silence_ms = TurnSettings().silence_ms
    if endpointing.stop_history > 0:
        silence_ms = min(max(endpointing.stop_history, MIN_SILENCE_MS), MAX_SILENCE_MS)
    eager = endpointing.stop_history_eou
    return TurnSettings(
        "silence", silence_ms=silence_ms, eager_silence_ms=eager if MIN_SILENCE_MS <= eager < silence_ms else None
    )


def _keyterms(config: Message, limits: Limits) -> tuple[str, ...]:
    """The phrases to favour; those with a negative boost are to be avoided, and are left out."""
    contexts = [context for context in config.speech_contexts if context.boost >= 0]
    terms = tuple(dict.fromkeys(" ".join(phrase.split()) for context in contexts for phrase in context.phrases))
    terms = tuple(filter(None, terms))
    if not limits.fit(terms):
        raise BadRequest(
            f"speech_contexts: at most {limits.keyterms} phrases of {limits.keyterm_characters} characters, got "
            f"{len(terms)} of up to {max(map(len, terms))}"
        )
    return terms
