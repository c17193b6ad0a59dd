"""What a client of Riva asks for over gRPC, as settings of a stream.

Source: nvidia-riva-client 2.28, ``riva/client/asr.py`` and the descriptors of ``riva_asr.proto``.
"""

from __future__ import annotations

from auricle.protocol.client_messages import Encoding, Start
from auricle.protocol.server_messages import Limits
from auricle.protocol.settings import InvalidMessage
from auricle_server.gateway.dialects.riva.messages import ALAW, MULAW, PCM, Message, entries
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.formats import riva_settings
from auricle_server.gateway.session.formats.riva_settings import DEFAULT_RATE, RivaSettings
from auricle_server.model_info import ModelInfo

ENCODINGS: dict[int, Encoding] = {0: "pcm_s16le", PCM: "pcm_s16le", MULAW: "mulaw", ALAW: "alaw"}


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
    channels = riva_settings.channel_count(config.audio_channel_count, "audio_channel_count")
    custom = entries(config.custom_configuration)
    latency_ms = riva_settings.latency(custom)
    endpointing = config.endpointing_config
    boosted = [(context.phrases, context.boost) for context in config.speech_contexts]
    try:
        start = Start(
            encoding="pcm_s16le" if recording else ENCODINGS[config.encoding],
            sample_rate=DEFAULT_RATE if recording else config.sample_rate_hertz or DEFAULT_RATE,
            latency_ms=latency_ms,
            language=riva_settings.language(config.language_code, model, "language_code"),
            turn=riva_settings.turn(endpointing.stop_history, endpointing.stop_history_eou, custom),
            keyterms=riva_settings.phrases(boosted, limits, "speech_contexts"),
            words=config.enable_word_time_offsets,
            offline=recording and latency_ms is None,
            text_format=riva_settings.text_format(
                verbatim=config.verbatim_transcripts, profanity_filter=config.profanity_filter
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
