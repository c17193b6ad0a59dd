"""The messages, beside NVIDIA's own where its client is installed."""

from __future__ import annotations

import pytest

from auricle_server.gateway.dialects.riva.messages import (
    ASR,
    HEALTH,
    PCM,
    ConfigResponse,
    HealthResponse,
    RecognizeRequest,
    StreamingRequest,
    StreamingResponse,
    entries,
    message_type,
)


def test_messages_are_read_as_they_were_written() -> None:
    request = StreamingRequest(audio_content=b"\x01\x02")
    request.runtime_config.add(key="force_eou", value="true")
    again = StreamingRequest.FromString(request.SerializeToString())
    assert (again.audio_content, entries(again.runtime_config)) == (b"\x01\x02", {"force_eou": "true"})
    assert not again.HasField("streaming_config")


def test_an_unknown_message_has_no_type() -> None:
    with pytest.raises(KeyError):
        message_type("Nonsense", HEALTH)


def test_nvidias_own_messages_say_the_same() -> None:
    from riva.client.proto import riva_asr_pb2

    theirs = riva_asr_pb2.StreamingRecognizeRequest(
        streaming_config=riva_asr_pb2.StreamingRecognitionConfig(
            config=riva_asr_pb2.RecognitionConfig(
                encoding=PCM,
                sample_rate_hertz=8_000,
                language_code="en-US",
                max_alternatives=1,
                speech_contexts=[riva_asr_pb2.SpeechContext(phrases=["Auricle"], boost=4.0)],
                audio_channel_count=2,
                enable_word_time_offsets=True,
                enable_automatic_punctuation=True,
                custom_configuration={"a": "b"},
                endpointing_config=riva_asr_pb2.EndpointingConfig(stop_history=320, stop_history_eou=160),
            ),
            interim_results=True,
        ),
        runtime_config={"force_eou": "true"},
    )
    ours = StreamingRequest.FromString(theirs.SerializeToString())
    config = ours.streaming_config.config
    assert (config.encoding, config.sample_rate_hertz, config.language_code) == (PCM, 8_000, "en-US")
    assert (config.audio_channel_count, config.speech_contexts[0].phrases[:]) == (2, ["Auricle"])
    assert (config.enable_word_time_offsets, config.enable_automatic_punctuation) == (True, True)
    assert (config.endpointing_config.stop_history, config.endpointing_config.stop_history_eou) == (320, 160)
    assert (entries(config.custom_configuration), entries(ours.runtime_config)) == ({"a": "b"}, {"force_eou": "true"})
    assert ours.streaming_config.interim_results


@pytest.mark.parametrize("name", ["StreamingRecognizeResponse", "RecognizeResponse", "RecognizeRequest"])
def test_every_field_is_nvidias(name: str) -> None:
    from riva.client.proto import riva_asr_pb2

    def check(ours: object, theirs: object) -> None:
        for field in ours.fields:  # type: ignore[attr-defined]
            same = theirs.fields_by_name[field.name]  # type: ignore[attr-defined]
            assert (field.number, field.is_repeated) == (same.number, same.is_repeated), field.full_name
            if field.message_type is not None and not same.message_type.GetOptions().map_entry:
                check(field.message_type, same.message_type)

    check(message_type(name).DESCRIPTOR, getattr(riva_asr_pb2, name).DESCRIPTOR)


def test_answers_are_read_by_nvidias_client() -> None:
    from riva.client.proto import health_pb2, riva_asr_pb2

    response = StreamingResponse()
    result = response.results.add(is_final=True, stability=1.0, audio_processed=2.5, channel_tag=1)
    result.alternatives.add(transcript="hello", confidence=0.5).words.add(word="hello", start_time=1, end_time=2)
    [theirs] = riva_asr_pb2.StreamingRecognizeResponse.FromString(response.SerializeToString()).results
    assert (theirs.is_final, theirs.audio_processed, theirs.alternatives[0].words[0].end_time) == (True, 2.5, 2)
    models = ConfigResponse()
    models.model_config.add(model_name="m").parameters.add(key="type", value="online")
    kind = riva_asr_pb2.RivaSpeechRecognitionConfigResponse
    assert dict(kind.FromString(models.SerializeToString()).model_config[0].parameters) == {"type": "online"}
    health = health_pb2.HealthCheckResponse.FromString(HealthResponse(status=1).SerializeToString())
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert RecognizeRequest.DESCRIPTOR.full_name == f"{ASR}.RecognizeRequest"
