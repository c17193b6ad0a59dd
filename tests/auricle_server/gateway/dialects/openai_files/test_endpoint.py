"""What a form asks for."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, MultiDict

from auricle_server.config import DEFAULT_LIMITS
from auricle_server.gateway.dialects.openai_files.endpoint import TranscriptionsEndpoint
from auricle_server.gateway.errors import BadRequest
from auricle_server.gateway.session.file_endpoint import FileJob, Upload
from auricle_server.model_info import ModelInfo

ENGLISH = ModelInfo("m", ("a",), (80, 1120), 160, ("en-US",), "en-US", 0.08, 4)
MANY = ModelInfo("m", ("a",), (80, 1120), 160, ("auto", "en-US", "de-DE"), "en-US", 0.08, 4)
ENDPOINT = TranscriptionsEndpoint()


def job(*fields: tuple[str, str], model: ModelInfo = ENGLISH, query: dict[str, str] | None = None) -> FileJob:
    upload = Upload(MultiDict(query or {}), CIMultiDict(), MultiDict(fields), DEFAULT_LIMITS, "a.wav")
    return ENDPOINT.open(upload, model)


def test_a_recording_goes_through_the_offline_lane() -> None:
    start = job(("model", "whisper-1"), ("temperature", "0.2"), ("unknown", "x")).start
    assert (start.offline, start.language, start.keyterms, start.latency_ms) == (True, None, (), None)


def test_a_latency_makes_it_a_live_stream() -> None:
    start = job(query={"latency_ms": "80"}).start
    assert (start.offline, start.latency_ms) == (False, 80)
    with pytest.raises(BadRequest, match="latency_ms"):
        job(query={"latency_ms": "soon"})


def test_keywords_and_prompt_are_key_terms() -> None:
    given = job(("keywords[]", "Oslo"), ("keywords[]", "Bergen"), ("keywords", "Tromsø"), ("prompt", "Bodø, Narvik"))
    assert given.start.keyterms == ("Oslo", "Bergen", "Tromsø", "Bodø", "Narvik")


@pytest.mark.parametrize(
    ("fields", "model", "language"),
    [
        ([("language", "de")], MANY, "de"),
        ([("language", "xx")], MANY, "xx"),  # the stream refuses it, in words
        ([("languages[]", "de")], MANY, "de-DE"),
        ([("languages[]", "de"), ("languages[]", "en")], MANY, "auto"),
        ([("languages[]", "de"), ("languages[]", "en")], ENGLISH, "en-US"),
        ([("languages[]", "fr")], ENGLISH, None),
        ([("language", "")], ENGLISH, None),
    ],
)
def test_languages(fields: list[tuple[str, str]], model: ModelInfo, language: str | None) -> None:
    assert job(*fields, model=model).start.language == language


def test_numbers_are_written_as_people_do_unless_they_shall_not() -> None:
    assert job().start.text_format.numbers == "smart"
    assert job(("numerals", "false")).start.text_format.numbers == "words"
    assert job(query={"numerals": "false"}).start.text_format.numbers == "words"
    with pytest.raises(BadRequest, match="numerals: expected true or false"):
        job(("numerals", "some"))


def test_events_are_asked_for_with_stream() -> None:
    assert job(("stream", "true")).content_type.startswith("text/event-stream")
    assert job(("stream", "false")).encode is None
    with pytest.raises(BadRequest, match="stream: expected true or false"):
        job(("stream", "perhaps"))


def test_speakers_are_the_channels() -> None:
    assert job(("response_format", "diarized_json")).split
    assert not job(("response_format", "verbose_json")).split


@pytest.mark.parametrize(("field", "value"), [("response_format", "xml"), ("timestamp_granularities[]", "sentence")])
def test_what_no_answer_can_be_is_refused(field: str, value: str) -> None:
    with pytest.raises(BadRequest, match=field.rstrip("[]")):
        job((field, value))


def test_only_forms_are_received() -> None:
    ENDPOINT.check(MultiDict(), CIMultiDict({"Content-Type": "multipart/form-data; boundary=x"}), ENGLISH)
    with pytest.raises(BadRequest, match="send a form"):
        ENDPOINT.check(MultiDict(), CIMultiDict({"Content-Type": "audio/wav"}), ENGLISH)
