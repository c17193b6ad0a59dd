"""A voice that is over and has no words."""

from __future__ import annotations

from auricle.protocol.server_messages import NoWords
from auricle_server.turns import VoiceSignals, VoiceWithoutWords

SECOND = 16_000
CHUNK = 2_560


class Sound:
    """Feeds a watch 160 ms at a time with a voice that is on and off."""

    def __init__(self, *, watched: bool = False) -> None:
        self.watch = VoiceWithoutWords(watched=watched)
        self.position = self.voiced = 0
        self.start: int | None = None
        self.end: int | None = None
        self.speaking = False
        self.word_end: int | None = None

    def go_on(self, chunks: int, *, voice: bool, flushed: bool = False) -> list[NoWords]:
        found: list[NoWords] = []
        for _ in range(chunks):
            if voice and not self.speaking:
                self.start, self.end = self.position, None
            if not voice and self.speaking:
                self.end = self.position
            self.speaking = voice
            self.position += CHUNK
            self.voiced += CHUNK * voice
            heard = VoiceSignals(float(voice), self.end, voiced=self.voiced, speech_start=self.start)
            self.watch.add(self.position, self.word_end, heard, flushed=flushed)
            found += self.watch.take()
        return found


def test_a_voice_without_words_is_reported_once_when_it_is_over() -> None:
    sound = Sound()
    assert sound.go_on(5, voice=False) == []
    assert sound.go_on(6, voice=True) == []
    assert sound.watch.hears_voice
    [verdict] = sound.go_on(10, voice=False)
    assert (verdict.start, verdict.end) == (0.8, 1.76)
    assert 0.6 <= verdict.audio_time - verdict.end < 0.8
    assert not sound.watch.hears_voice
    assert sound.go_on(50, voice=False) == []


def test_a_voice_with_a_word_is_not_reported() -> None:
    sound = Sound()
    sound.go_on(6, voice=True)
    sound.word_end = sound.position
    assert sound.go_on(20, voice=False) == []


def test_a_word_may_come_after_the_voice_has_fallen_silent() -> None:
    sound = Sound()
    sound.go_on(6, voice=True)
    sound.go_on(2, voice=False)
    sound.word_end = sound.position - CHUNK
    assert sound.go_on(20, voice=False) == []


def test_a_word_of_the_utterance_before_does_not_count() -> None:
    sound = Sound()
    sound.go_on(6, voice=True)
    sound.word_end = sound.position
    sound.go_on(10, voice=False)
    sound.go_on(6, voice=True)
    [verdict] = sound.go_on(10, voice=False)
    assert verdict.start == 16 * CHUNK / SECOND


def test_sounds_with_short_gaps_are_one_utterance() -> None:
    sound = Sound()
    for _ in range(4):
        assert sound.go_on(2, voice=True) == []
        assert sound.go_on(2, voice=False) == []
    [verdict] = sound.go_on(10, voice=False)
    assert (verdict.start, verdict.end) == (0.0, 14 * CHUNK / SECOND)


def test_a_click_is_no_voice() -> None:
    sound = Sound()
    sound.go_on(1, voice=True)
    assert sound.go_on(20, voice=False) == []


def test_a_finalize_needs_no_silence() -> None:
    sound = Sound()
    sound.go_on(6, voice=True)
    [verdict] = sound.go_on(1, voice=False, flushed=True)
    assert (verdict.start, verdict.end) == (0.0, 0.96)


def test_a_finalize_within_a_voice_says_nothing_about_the_rest_of_it() -> None:
    sound = Sound()
    sound.go_on(6, voice=True, flushed=True)
    assert sound.go_on(2, voice=True) == []
    assert sound.go_on(2, voice=False) == []
    assert len(sound.go_on(10, voice=False)) == 1


def test_at_the_end_of_the_stream_every_voice_is_over() -> None:
    sound = Sound()
    sound.go_on(6, voice=True)
    sound.watch.finish()
    [verdict] = sound.watch.take()
    assert (verdict.start, verdict.end) == (0.0, 0.96)
    sound.watch.finish()
    assert sound.watch.take() == []


def test_where_speech_is_decoded_again_the_verdict_waits_for_it() -> None:
    sound = Sound(watched=True)
    sound.go_on(6, voice=True)
    [verdict] = sound.go_on(20, voice=False)
    assert verdict.audio_time - verdict.end >= 1.5


def test_a_sound_that_is_analysed_anew_begins_anew() -> None:
    sound = Sound()
    sound.go_on(6, voice=True)
    sound.watch.add(sound.position + CHUNK, None, VoiceSignals(0.0), flushed=False)
    assert not sound.watch.hears_voice
    sound.watch.add(sound.position + 2 * CHUNK, None, None, flushed=False)
    assert sound.watch.take() == []
