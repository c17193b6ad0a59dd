"""A turn of dictation waits between the groups, and says what was collected."""

from __future__ import annotations

import pytest

from auricle.protocol.client_messages import Start, Update
from auricle.protocol.server_messages import Final, ServerEvent, TurnEagerEnd, TurnEnd
from auricle.protocol.settings import Expect, TurnMode, TurnSettings
from auricle_server.ipc.columns import ChunkResult
from auricle_server.model_info import ModelInfo
from auricle_server.stream.stream_state import StreamState
from tests.auricle_server.stream.test_stream_state import Talk

WORDS = ("zero", "four", "one", "five", "thanks", "A", "W", "okay", ".")
INFO = ModelInfo("m", (*(f"▁{word}" for word in WORDS[:-1]), "."), (80, 160), 160, ("en-US", "auto"), "en-US", 0.08, 4)


class Dictation(Talk):
    """Says words of its own vocabulary: `(second, word)`, in chunks of 160 ms."""

    def __init__(self, turn: TurnSettings) -> None:
        self.stream = StreamState(INFO, Start(turn=turn), "session")

    def say(self, words: dict[float, str], seconds: float) -> list[ServerEvent]:
        events: list[ServerEvent] = []
        frames = {round(at / 0.08): WORDS.index(word) for at, word in words.items()}
        for frame in range(0, round(seconds / 0.08), 2):
            spoken = [(frames[each], each) for each in (frame, frame + 1) if each in frames]
            tokens, at = tuple(token for token, _ in spoken), tuple(each for _, each in spoken)
            sure = (0.9,) * len(tokens)
            events += self.stream.on_result(ChunkResult(0, (frame + 2) * 1280, tokens, at, sure, sure, None))
        return events


GROUPS = {0.0: "zero", 0.4: "four", 1.6: "one", 2.0: "five"}


def turn_ends(events: list[ServerEvent]) -> list[TurnEnd]:
    return [event for event in events if isinstance(event, TurnEnd)]


@pytest.mark.parametrize("mode", ["silence", "semantic"])
def test_a_pause_between_groups_ends_no_turn(mode: TurnMode) -> None:
    turn = TurnSettings(mode, silence_ms=500, max_silence_ms=800, expect="digits")
    [end] = turn_ends(Dictation(turn).say(GROUPS, 5.0))
    assert (end.text, end.collected) == ("zero four one five", "0415")
    assert end.audio_time - end.speech_end >= 1.5


@pytest.mark.parametrize("expect", ["none", "letters"])
def test_without_the_mode_each_group_is_a_turn(expect: Expect) -> None:
    turn = TurnSettings("silence", silence_ms=500, expect=expect)
    first, *_ = turn_ends(Dictation(turn).say(GROUPS, 5.0))
    assert first.text == ("zero four" if expect == "none" else "zero four one five")
    assert first.collected == ("" if expect == "none" else "0415")


def test_after_another_word_the_turn_ends_as_usual() -> None:
    turn = TurnSettings("silence", silence_ms=500, expect="digits")
    [end] = turn_ends(Dictation(turn).say({0.0: "zero", 0.4: "four", 0.8: "thanks"}, 3.0))
    assert end.audio_time - end.speech_end < 0.7
    assert end.collected == "04"


def test_a_longer_silence_of_the_client_holds() -> None:
    turn = TurnSettings("silence", silence_ms=2_000, expect="digits")
    [end] = turn_ends(Dictation(turn).say({0.0: "four"}, 4.0))
    assert end.audio_time - end.speech_end >= 2.0


def test_a_probable_end_waits_in_proportion() -> None:
    turn = TurnSettings("silence", silence_ms=500, eager_silence_ms=250, expect="digits")
    events = Dictation(turn).say(GROUPS, 5.0)
    first = next(event for event in events if isinstance(event, TurnEagerEnd))
    assert first.audio_time - first.speech_end >= 0.75
    assert first.collected == "04"
    last = [event for event in events if isinstance(event, TurnEagerEnd)][-1]
    assert last.collected == "0415"


def test_letters_wait_for_the_next_and_for_their_explanation() -> None:
    turn = TurnSettings("silence", silence_ms=500, expect="letters")
    [end] = turn_ends(Dictation(turn).say({0.0: "W", 1.2: "A"}, 4.0))
    assert end.collected == "WA"


def test_finals_say_what_their_segment_dictates() -> None:
    turn = TurnSettings("off", expect="digits")
    talk = Dictation(turn)
    talk.say(GROUPS, 3.2)
    [final] = talk.chunk(3.2, mark=talk.stream.finalize("f"))
    assert isinstance(final, Final)
    assert final.collected == "0415"


def test_the_mode_may_change_between_turns() -> None:
    talk = Dictation(TurnSettings("silence", silence_ms=500))
    talk.stream.update(Update(turn=TurnSettings("silence", silence_ms=500, expect="digits")))
    [end] = turn_ends(talk.say(GROUPS, 5.0))
    assert end.collected == "0415"


def test_a_backchannel_is_named_in_finals_and_turns() -> None:
    events = Dictation(TurnSettings("silence")).say({0.0: "okay", 0.2: "."}, 1.5)
    final, end = events[-2:]
    assert isinstance(final, Final)
    assert isinstance(end, TurnEnd)
    assert final.backchannel == end.backchannel
    assert end.backchannel is not None
    assert end.backchannel > 0.5


def test_a_language_that_is_not_known_has_no_backchannels() -> None:
    talk = Dictation(TurnSettings("silence"))
    talk.stream = StreamState(INFO, Start(language="auto"), "session")
    final, end = talk.say({0.0: "okay"}, 1.5)[-2:]
    assert isinstance(final, Final)
    assert isinstance(end, TurnEnd)
    assert final.backchannel is end.backchannel is None
