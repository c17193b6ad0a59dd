"""The messages of Riva's speech recognition and of gRPC's health check, as far as this server reads and writes them.

The names and numbers of the fields are those of nvidia-riva-client 2.28 (``riva/proto/riva_asr.proto``) and of gRPC's
health protocol. They lie in a pool of their own, so that a program may import NVIDIA's or gRPC's own messages as well.
What a client sends beside them is skipped.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ASR = "nvidia.riva.asr"
HEALTH = "grpc.health.v1"
PCM, FLAC, MULAW, OGGOPUS, ALAW = 1, 2, 3, 4, 20
"""Values of `RecognitionConfig.encoding`; 0 leaves it to the audio's own header, or is PCM."""
SERVING, NOT_SERVING = 1, 2
"""Values of `HealthCheckResponse.status`."""

_Field = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
    "bool": _Field.TYPE_BOOL,
    "int": _Field.TYPE_INT32,
    "float": _Field.TYPE_FLOAT,
}
_RESULT = {
    "alternatives": (1, "*SpeechRecognitionAlternative"),
    "channel_tag": (5, "int"),
    "audio_processed": (6, "float"),
}
_ASR_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    # A star before a type stands for a list; a map from strings to strings is a list of entries. An enumeration has
    # the encoding of a whole number.
    "Entry": {"key": (1, "string"), "value": (2, "string")},
    "RequestId": {"value": (1, "string")},
    "SpeechContext": {"phrases": (1, "*string"), "boost": (4, "float")},
    "EndpointingConfig": {"stop_history": (3, "int"), "stop_history_eou": (5, "int")},
    "RecognitionConfig": {
        "encoding": (1, "int"),
        "sample_rate_hertz": (2, "int"),
        "language_code": (3, "string"),
        "profanity_filter": (5, "bool"),
        "speech_contexts": (6, "*SpeechContext"),
        "audio_channel_count": (7, "int"),
        "enable_word_time_offsets": (8, "bool"),
        "enable_automatic_punctuation": (11, "bool"),
        "model": (13, "string"),
        "verbatim_transcripts": (14, "bool"),
        "custom_configuration": (24, "*Entry"),
        "endpointing_config": (25, "EndpointingConfig"),
    },
    "StreamingRecognitionConfig": {"config": (1, "RecognitionConfig"), "interim_results": (2, "bool")},
    "StreamingRecognizeRequest": {
        "streaming_config": (1, "StreamingRecognitionConfig"),
        "audio_content": (2, "bytes"),
        "runtime_config": (3, "*Entry"),
        "id": (100, "RequestId"),
    },
    "RecognizeRequest": {"config": (1, "RecognitionConfig"), "audio": (2, "bytes"), "id": (100, "RequestId")},
    "WordInfo": {
        "start_time": (1, "int"),
        "end_time": (2, "int"),
        "word": (3, "string"),
        "confidence": (4, "float"),
        "language_code": (6, "string"),
    },
    "SpeechRecognitionAlternative": {
        "transcript": (1, "string"),
        "confidence": (2, "float"),
        "words": (3, "*WordInfo"),
        "language_code": (4, "*string"),
    },
    "StreamingRecognitionResult": {**_RESULT, "is_final": (2, "bool"), "stability": (3, "float")},
    "StreamingRecognizeResponse": {"results": (1, "*StreamingRecognitionResult"), "id": (100, "RequestId")},
    "SpeechRecognitionResult": {**_RESULT, "channel_tag": (2, "int"), "audio_processed": (3, "float")},
    "RecognizeResponse": {"results": (1, "*SpeechRecognitionResult"), "id": (100, "RequestId")},
    "RivaSpeechRecognitionConfigRequest": {"model_name": (1, "string")},
    "ModelConfig": {"model_name": (1, "string"), "parameters": (2, "*Entry")},
    "RivaSpeechRecognitionConfigResponse": {"model_config": (1, "*ModelConfig")},
}
_HEALTH_MESSAGES = {"HealthCheckRequest": {"service": (1, "string")}, "HealthCheckResponse": {"status": (1, "int")}}

Message = Any
"""A message of protobuf, whose fields its descriptor makes at run time."""


def _file(package: str, messages: dict[str, dict[str, tuple[int, str]]]) -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field_name, (number, kind) in fields.items():
            field = message.field.add(name=field_name, number=number)
            field.label = _Field.LABEL_REPEATED if kind.startswith("*") else _Field.LABEL_OPTIONAL
            plain = kind.removeprefix("*")
            field.type = _TYPES.get(plain, _Field.TYPE_MESSAGE)
            if plain not in _TYPES:
                field.type_name = f".{package}.{plain}"
    return file


_POOL = descriptor_pool.DescriptorPool()
for _each in (_file(ASR, _ASR_MESSAGES), _file(HEALTH, _HEALTH_MESSAGES)):
    _POOL.AddSerializedFile(_each.SerializeToString())


def message_type(name: str, package: str = ASR) -> Any:
    """The class of a message.

    Args:
        name: As the descriptors above have it.
        package: `ASR` or `HEALTH`.
    """
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{package}.{name}"))


StreamingRequest = message_type("StreamingRecognizeRequest")
StreamingResponse = message_type("StreamingRecognizeResponse")
RecognizeRequest = message_type("RecognizeRequest")
RecognizeResponse = message_type("RecognizeResponse")
ConfigRequest = message_type("RivaSpeechRecognitionConfigRequest")
ConfigResponse = message_type("RivaSpeechRecognitionConfigResponse")
HealthRequest = message_type("HealthCheckRequest", HEALTH)
HealthResponse = message_type("HealthCheckResponse", HEALTH)


def entries(fields: Any) -> dict[str, str]:
    """A map from strings to strings, as a list of entries carries it; of equal keys the last counts."""
    return {entry.key: entry.value for entry in fields}
