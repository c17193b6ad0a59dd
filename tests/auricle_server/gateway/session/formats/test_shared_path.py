"""Which of two formats gets a client, and its messages."""

from __future__ import annotations

from collections.abc import Sequence

from multidict import CIMultiDict, MultiDict, MultiMapping

from auricle_server.gateway.errors import BadRequest, Refusal
from auricle_server.gateway.session.dialect import Dialect, EndAnswered, Input, Output, Reply
from auricle_server.gateway.session.endpoint import Opening, RefusalAnswer
from auricle_server.gateway.session.formats.shared_path import SharedPath
from auricle_server.model_info import ModelInfo

MODEL = ModelInfo("demo", ("a",), (80,), 80, ("en-US",), "en-US", 0.08, 4)


class Echo:
    """Answers with its own name."""

    def __init__(self, name: str) -> None:
        self.name, self.follows_audio, self.ended = name, name == "other", False

    def receive_text(self, text: str) -> Sequence[Input]:
        return (Reply(f"{self.name}: {text}"),)

    def receive_audio(self, data: bytes) -> bytes:
        return self.name.encode() + data

    def encode(self, output: Output) -> Sequence[str]:
        return (self.name,)

    def close_code(self, code: str | None) -> int:
        return len(self.name) + len(code or "")


class Format:
    """Claims what contains its name."""

    paths: tuple[str, ...] = ("/path",)
    foreign_models: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self.name = name

    def claims(self, query: MultiMapping[str], headers: MultiMapping[str]) -> bool:
        return query.get("format") == self.name

    def claims_message(self, text: str) -> bool:
        return self.name in text

    def authorization(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:
        return self.name

    def model(self, query: MultiMapping[str], headers: MultiMapping[str]) -> str | None:
        return f"{self.name} {query.get('model')}"

    def open(self, query: MultiMapping[str], headers: MultiMapping[str], model: ModelInfo | None) -> Opening:
        return Opening(Echo(self.name), greeting=(self.name,))

    def refuse(self, refusal: Refusal) -> RefusalAnswer:
        return RefusalAnswer(self.name)


PATH = SharedPath(Format("usual"), Format("other"))


def said(dialect: Dialect, text: str) -> str:
    [reply] = dialect.receive_text(text)
    assert isinstance(reply, Reply)
    return reply.text


def opened(model: ModelInfo | None = MODEL, **query: str) -> Opening:
    return PATH.open(MultiDict(query), CIMultiDict(), model)


def test_the_request_may_name_the_other_format() -> None:
    opening = opened(format="other")
    assert opening.greeting == ("other",)
    assert said(opening.dialect, "usual") == "other: usual"
    assert PATH.authorization(MultiDict(format="other"), CIMultiDict()) == "other"
    assert PATH.authorization(MultiDict(), CIMultiDict()) == "usual"


def test_the_first_message_may_be_one_of_the_other_format() -> None:
    opening = opened()
    dialect = opening.dialect
    assert (opening.greeting, dialect.name, dialect.follows_audio) == (("usual",), "usual", False)
    assert said(dialect, "an other one") == "other: an other one"
    assert (dialect.name, dialect.follows_audio, dialect.ended) == ("other", True, False)
    assert dialect.receive_audio(b"!") == b"other!"
    assert (dialect.encode(EndAnswered(1.0)), dialect.close_code("x")) == (("other",), 6)


def test_later_messages_change_nothing() -> None:
    dialect = opened().dialect
    assert said(dialect, "one") == "usual: one"
    assert said(dialect, "an other one") == "usual: an other one"


def test_before_a_model_is_known_there_is_only_the_usual_format() -> None:
    assert said(opened(model=None).dialect, "an other one") == "usual: an other one"


def test_a_refusal_is_worded_by_the_usual_format() -> None:
    assert PATH.refuse(BadRequest("no")).body == "usual"
