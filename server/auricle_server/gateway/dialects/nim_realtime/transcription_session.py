"""The session of NIM's realtime transcription, as settings of a stream.

Source: nvidia-riva-client 2.28, ``riva/client/realtime.py``, and NVIDIA's reference of the realtime API of its ASR NIM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auricle.protocol.client_messages import Encoding, Start
from auricle.protocol.server_messages import Limits
from auricle.protocol.settings import brief, require
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.client_json import JsonObject
from auricle_server.gateway.session.formats import riva_settings
from auricle_server.gateway.session.formats.riva_settings import DEFAULT_RATE, RivaSettings
from auricle_server.gateway.session.prompt_keyterms import prompt_keyterms
from auricle_server.model_info import ModelInfo

_FORMATS: dict[str, Encoding] = {
    # "none" leaves it to the header of the audio, as NVIDIA's client sends files.
    "none": "pcm_s16le",
    "pcm16": "pcm_s16le",
    "g711_ulaw": "mulaw",
    "g711_alaw": "alaw",
}
_BOOSTED = "word_boosting_list"
OWN_FIELDS = ("input_audio_params", "recognition_config", "speaker_diarization", "word_boosting", "endpointing_config")
"""Of a session here, and of none of OpenAI's."""


@dataclass(frozen=True, slots=True)
class TranscriptionSession:
    """A session's settings, as the client sees them.

    Attributes:
        values: The object ``session``, without its name.
    """

    values: Mapping[str, Any]

    @classmethod
    def default(cls, model: ModelInfo) -> TranscriptionSession:
        """The session before its first update."""
        return cls(
            {
                "modalities": ["text"],
                "input_audio_format": "pcm16",
                "input_audio_transcription": {"language": model.default_language, "model": model.name, "prompt": ""},
                "input_audio_params": {"sample_rate_hz": DEFAULT_RATE, "num_channels": 1},
                "recognition_config": {
                    "max_alternatives": 1,
                    "enable_automatic_punctuation": False,
                    "enable_word_time_offsets": False,
                    "enable_profanity_filter": False,
                    "enable_verbatim_transcripts": False,
                    "custom_configuration": "",
                },
                "speaker_diarization": {"enable_speaker_diarization": False, "max_speaker_count": 0},
                "word_boosting": {"enable_word_boosting": False, "word_boosting_list": []},
                "endpointing_config": {
                    "start_history": 0,
                    "start_threshold": 0,
                    "stop_history": 0,
                    "stop_threshold": 0,
                    "stop_history_eou": 0,
                    "stop_threshold_eou": 0,
                },
            }
        )

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self.values["input_audio_transcription"]["model"])

    def changed(self, session: JsonObject) -> TranscriptionSession:
        """With what an update names; fields that it lacks, or sends as null, stay. Unknown ones are left out.

        Raises:
            ProtocolViolation: A field has a wrong type.
        """
        values = dict(self.values)
        for name, value in self.values.items():
            if isinstance(value, dict):
                given = session.nested(name) or JsonObject({})
                values[name] = {key: _like(given, key, old) for key, old in value.items()}
            else:
                values[name] = _like(session, name, value)
        return TranscriptionSession(values)

    def as_object(self, session_id: str, secret: str | None = None) -> dict[str, Any]:
        """The object ``session`` of the answers.

        Args:
            session_id: Names it.
            secret: With which the client may open the socket; None in the socket itself.
        """
        about = {"id": session_id, "object": "realtime.transcription_session"}
        return about | dict(self.values) | {"client_secret": None if secret is None else {"value": secret}}

    def settings(self, model: ModelInfo, limits: Limits) -> RivaSettings:
        """The stream.

        Args:
            model: What the server serves.
            limits: Of the stream.

        Raises:
            BadRequest: The server has no such stream.
            InvalidMessage: A value cannot be.
            ProtocolViolation: A field has a wrong type.
        """
        audio, config, endpointing, transcription = map(
            self._group, ("input_audio_params", "recognition_config", "endpointing_config", "input_audio_transcription")
        )
        audio_format = JsonObject(dict(self.values)).text("input_audio_format") or ""
        expected = f"expected one of {', '.join(_FORMATS)}, got {brief(audio_format)}"
        require(audio_format in _FORMATS, "input_audio_format", expected)
        words, encoding = bool(config.flag("enable_word_time_offsets")), _FORMATS[audio_format]
        custom = _custom(config)
        stop_history, stop_history_eou = (_whole(endpointing, name) for name in ("stop_history", "stop_history_eou"))
        field = "input_audio_transcription.language"
        start = Start(
            encoding=encoding,
            sample_rate=_whole(audio, "sample_rate_hz") or DEFAULT_RATE,
            latency_ms=riva_settings.latency(custom),
            language=riva_settings.language(transcription.text("language") or "", model, field),
            turn=riva_settings.turn(stop_history, stop_history_eou, custom),
            keyterms=prompt_keyterms(transcription.text("prompt") or "", self._phrases(limits), limits),
            words=words,
            text_format=riva_settings.text_format(
                verbatim=bool(config.flag("enable_verbatim_transcripts")),
                profanity_filter=bool(config.flag("enable_profanity_filter")),
            ),
        )
        return RivaSettings(
            start,
            riva_settings.channel_count(_whole(audio, "num_channels"), "input_audio_params.num_channels"),
            interims=True,
            words=words,
            punctuated=bool(config.flag("enable_automatic_punctuation")),
            wave=encoding == "pcm_s16le",
        )

    def _group(self, name: str) -> JsonObject:
        return JsonObject(self.values[name], f"{name}.")

    def _phrases(self, limits: Limits) -> tuple[str, ...]:
        boosting = self._group("word_boosting")
        if not boosting.flag("enable_word_boosting"):
            return ()
        boosted = [(each["phrases"], each["boost"]) for each in boosting.values[_BOOSTED]]
        return riva_settings.phrases(boosted, limits, f"word_boosting.{_BOOSTED}")


def _like(given: JsonObject, name: str, old: object) -> Any:
    """What an update has in a field, of the kind that stands there, as it goes back to the client; or the old value.

    Raises:
        ProtocolViolation: It is of another kind.
    """
    new: Any
    match old:
        case bool():
            new = given.flag(name)
        case int():
            new = given.number(name)
        case list() if name == _BOOSTED:
            new = [_boosted(each) for each in given.objects(name) or ()] or None
        case list():
            texts = given.texts(name)
            new = None if texts is None else list(texts)
        case _ if isinstance(given.values.get(name), dict):  # the custom configuration
            new = {str(key): str(value) for key, value in given.values[name].items()}
        case _:
            new = given.text(name)
    return old if new is None else new


def _boosted(entry: JsonObject) -> dict[str, Any]:
    return {"phrases": list(entry.texts("phrases") or ()), "boost": entry.number("boost") or 0.0}


def _whole(group: JsonObject, name: str) -> int:
    return int(group.number(name) or 0)


def _custom(config: JsonObject) -> dict[str, str]:
    """The custom configuration: an object, or as NVIDIA's client sends it, ``key:value,key:value``."""
    given = config.values["custom_configuration"]
    if isinstance(given, dict):
        return {str(key): str(value) for key, value in given.items()}
    pairs = [each.partition(":") for each in (config.text("custom_configuration") or "").replace(" ", "").split(",")]
    if any(key and not colon for key, colon, _ in pairs):
        raise BadRequest("recognition_config.custom_configuration: expected key:value,key:value")
    return {key: value for key, _, value in pairs if key}
