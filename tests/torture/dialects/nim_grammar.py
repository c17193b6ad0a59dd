"""The realtime transcription of NVIDIA's NIMs."""

from __future__ import annotations

from base64 import b64encode

from tests.torture.dialects.grammar import texts_of
from tests.torture.dialects.openai_grammars import Realtime

_APPEND, _COMMIT, _UPDATE = "input_audio_buffer.append", "input_audio_buffer.commit", "transcription_session.update"
_SILENCE = b64encode(bytes(320)).decode()
_PARAMS = {"sample_rate_hz": 16_000, "num_channels": 1}


def _update(**session: object) -> dict[str, object]:
    return {"type": _UPDATE, "session": session}


class Nim(Realtime):
    """Its clients say that no more audio comes; the server ends utterances."""

    name = "NIM Realtime"
    right = "intent=transcription&shape=nim"
    first = texts_of(_update(input_audio_params=_PARAMS))
    corpus = texts_of(
        _update(input_audio_params=_PARAMS, recognition_config={"enable_word_time_offsets": True}),
        _update(
            word_boosting={"enable_word_boosting": True, "word_boosting_list": [{"phrases": ["that"], "boost": 9}]}
        ),
        _update(endpointing_config={"stop_history": 700}, input_audio_transcription={"language": "en-US"}),
        _update(recognition_config={"custom_configuration": "latency_ms:80"}),
        {"type": _APPEND, "audio": _SILENCE},
        {"type": _APPEND, "audio": "", "runtime_config": {"force_eou": "true"}},
        {"type": _COMMIT},
        {"type": "input_audio_buffer.clear"},
        {"type": "input_audio_buffer.done"},
    )
    acting = frozenset({_APPEND, _COMMIT, _UPDATE, "input_audio_buffer.clear", "input_audio_buffer.done"})
    refused = texts_of(
        {"type": _APPEND, "audio": "not base64!"},
        {"type": _APPEND, "audio": "\u00e9\u00e9\u00e9\u00e9"},
        {"type": _APPEND, "audio": "\ud800"},
        {"type": _APPEND, "audio": [5]},
        {"type": _UPDATE, "session": "x"},
        _update(input_audio_params={"sample_rate_hz": float("nan")}),
        _update(input_audio_params={"num_channels": "two"}),
        _update(modalities=[{"a": 1}]),
        _update(modalities="\ud800"),
        _update(speaker_diarization={"max_speaker_count": [[]]}),
        _update(word_boosting={"word_boosting_list": ["that"]}),
        _update(word_boosting={"word_boosting_list": [{"phrases": [5]}]}),
        _update(recognition_config={"max_alternatives": "\ud800"}),
        _update(endpointing_config={"start_threshold": {}}),
    )
    needless = texts_of({"type": _COMMIT}, {"type": "input_audio_buffer.clear"}, {"type": _APPEND, "audio": ""})
    answers = Realtime.answers | {"conversation.created"}
    finalize = texts_of({"type": _APPEND, "audio": "", "runtime_config": {"force_eou": "true"}})[0]
    end = texts_of({"type": "input_audio_buffer.done"})[0]
