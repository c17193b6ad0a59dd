"""Speech without a word, chunk by chunk."""

from __future__ import annotations

import pytest

from auricle_server.stream.speech_watch import ENDED, LOOKBACK, SpeechWatch
from auricle_server.turns import VoiceSignals

SECOND = 16_000
CHUNK = 2560


class Stream:
    """A stream that is watched in chunks of 160 ms; the voice is heard in whole chunks."""

    def __init__(self, seconds: float = 2.0) -> None:
        self.watch = SpeechWatch(seconds)
        self.position = self.voiced = 0
        self.word_end: int | None = None
        self.speech_end: int | None = None

    def run(self, seconds: float, *, voice: bool, words: bool = False) -> list[tuple[int, int]]:
        """Where audio was to be decoded again, and from where."""
        asked = []
        for _ in range(round(seconds * SECOND / CHUNK)):
            self.position += CHUNK
            if voice:
                self.voiced += CHUNK
                self.speech_end = None
            elif self.speech_end is None and self.voiced:
                self.speech_end = self.position - CHUNK
            if words:
                self.word_end = self.position
            signals = VoiceSignals(float(voice), self.speech_end, voiced=self.voiced)
            since = self.watch.add(self.position, self.word_end, signals)
            if since is not None:
                asked.append((self.position, since))
        return asked


def test_speech_with_words_and_silence_are_left_alone() -> None:
    stream = Stream()
    for _ in range(3):
        assert stream.run(6, voice=True, words=True) == []
        assert stream.run(20, voice=False) == []


@pytest.mark.parametrize("seconds", [0.8, 2.0, 4.0])
def test_long_speech_without_a_word_is_decoded_again_from_its_beginning(seconds: float) -> None:
    stream = Stream(seconds)
    stream.run(8, voice=False)
    begun = stream.position
    [(position, since), *_] = stream.run(seconds + 0.5, voice=True)
    assert 0 <= position - (begun + seconds * SECOND) < CHUNK
    assert since == begun - LOOKBACK


def test_speech_right_at_the_start_is_decoded_again_from_there() -> None:
    assert Stream(0.8).run(0.8, voice=True) == [(round(0.8 * SECOND), 0)]


def test_a_short_answer_that_brings_no_word_is_decoded_again_once_it_has_ended() -> None:
    stream = Stream()
    stream.run(3.2, voice=False)
    begun = stream.position
    assert stream.run(0.48, voice=True) == []
    ended = stream.position
    assert stream.run(4, voice=False) == [(ended + ENDED // CHUNK * CHUNK + CHUNK, begun - LOOKBACK)]


def test_a_click_is_no_speech() -> None:
    stream = Stream()
    stream.run(1.6, voice=False)
    stream.run(0.16, voice=True)
    assert stream.run(5, voice=False) == []


def test_audio_before_the_last_word_is_never_decoded_again() -> None:
    stream = Stream()
    stream.run(1.6, voice=True, words=True)
    last = stream.position
    [(_, since)] = stream.run(2.4, voice=True)
    assert since == last


def test_what_is_in_vain_is_tried_ever_more_rarely_until_a_word_comes() -> None:
    stream = Stream()
    times = [position / SECOND for position, _ in stream.run(40, voice=True)]
    assert times == pytest.approx([2.08, 6.08, 14.08, 30.08], abs=0.2)
    stream.run(0.16, voice=True, words=True)
    [(position, _)] = stream.run(2.4, voice=True)
    assert position == pytest.approx(stream.position - 0.32 * SECOND, abs=CHUNK)


def test_speech_of_long_ago_does_not_count() -> None:
    """Voice detection hears something every now and then: it must not add up for ever."""
    stream = Stream()
    for _ in range(30):
        stream.run(0.16, voice=True)
        assert stream.run(4, voice=False) == []


def test_without_voice_detection_nothing_is_watched() -> None:
    watch = SpeechWatch(0.5)
    assert all(watch.add(position, None, None) is None for position in range(0, 10 * SECOND, CHUNK))
