"""Notices that a voice was heard, is over, and has no words. Pure; positions are samples at 16 kHz.

An agent that hears a voice begin waits for words: for seconds, unless somebody tells it that none will come. The words
of an utterance are those that end after it has begun. One that was hardly longer than a click is not reported, and
sounds with short gaps ("ha, ha, ha") are one utterance.
"""

from __future__ import annotations

from dataclasses import dataclass

from auricle.protocol.server_messages import NoWords
from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.turns.detector import VoiceSignals

SHORTEST = SAMPLE_RATE // 4
"""Speech shorter than this may be a cough or a click; the shortest answers ("yes") last longer."""
ENDED = 3 * SAMPLE_RATE // 5
"""Silence after which an utterance is over and its words have come: decoders emit a word up to two frames of 80 ms
after its end, and a pause within a sentence is seldom longer."""
WATCHED = 3 * SAMPLE_RATE // 2
"""The same where speech without a word is decoded again, see `auricle_server.stream.speech_watch`: that happens after a
second of silence, and the words come with one of the next chunks."""


@dataclass(slots=True)
class _Utterance:
    """Where a voice began and how far it has come, and its samples of speech."""

    start: int
    end: int
    voiced_before: int
    voiced: int
    word_end: int | None = None


class VoiceWithoutWords:
    """Watches one stream, chunk by chunk.

    Args:
        watched: Whether speech without a word is decoded again.
    """

    def __init__(self, *, watched: bool = False) -> None:
        self._silence = WATCHED if watched else ENDED
        self._utterance: _Utterance | None = None
        self._began_last: int | None = None
        """Where the newest voice began, so that one that has been judged is not taken up again."""
        self._voiced = 0
        self._all_words_until = 0
        """The client has asked for all words before this position, and they have come."""
        self._position = 0
        self._verdict: list[NoWords] = []

    @property
    def hears_voice(self) -> bool:
        """Whether there is an utterance that is not judged yet."""
        return self._utterance is not None

    def add(self, position: int, word_end: int | None, voice: VoiceSignals | None, *, flushed: bool) -> None:
        """Takes a chunk.

        Args:
            position: Audio position on which its result rests.
            word_end: End of the last word so far; None before the first.
            voice: What the sound says there; None where it is not analysed.
            flushed: Whether the chunk answers a flush, so that all words before it have come.
        """
        self._position = position
        if flushed:
            self._all_words_until = position
        if voice is None:
            return
        if voice.voiced < self._voiced:  # the sound is analysed anew, after a change of the turn mode
            self._utterance, self._voiced = None, 0
        if self._utterance is None and voice.speech_start not in {None, self._began_last}:
            self._utterance = _Utterance(voice.speech_start or 0, position, self._voiced, voice.voiced)
        self._began_last, self._voiced = voice.speech_start, voice.voiced
        if self._utterance is None:
            return
        self._utterance.end = position if voice.speech_end is None else voice.speech_end
        self._utterance.voiced, self._utterance.word_end = voice.voiced, word_end
        if voice.speech_end is not None and (
            position - voice.speech_end >= self._silence or self._all_words_until >= voice.speech_end
        ):
            self._judge()

    def finish(self) -> None:
        """The client sends no more audio: whatever voice is heard is over."""
        self._judge()

    def take(self) -> list[NoWords]:
        """What has been found since the last call."""
        verdict, self._verdict = self._verdict, []
        return verdict

    def _judge(self) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is None or utterance.voiced - utterance.voiced_before < SHORTEST:
            return
        if utterance.word_end is None or utterance.word_end <= utterance.start:
            start, end, now = (each / SAMPLE_RATE for each in (utterance.start, utterance.end, self._position))
            self._verdict.append(NoWords(audio_time=now, start=start, end=end))
