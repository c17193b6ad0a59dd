"""Notices speech in which the decoder finds no word. Pure; positions are samples at 16 kHz.

A model of the family can stay on blank while somebody speaks: after a long silence, or after the end of a sentence. The
sound tells: voice detection counts the speech since the last word. When there is as much of it as the operator allows,
or when a shorter utterance has ended without a word, the audio since its beginning is to be decoded again.
"""

from __future__ import annotations

from collections import deque

from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.turns import VoiceSignals

SHORTEST = SAMPLE_RATE // 4
"""Speech shorter than this may be a cough or a click; the shortest answers ("yes") last longer."""
ENDED = SAMPLE_RATE
"""Silence after which an utterance has ended and its words must have come: decoders emit a word up to two frames of
80 ms after its end, and a position lies at the end of a chunk."""
LOOKBACK = 3 * SAMPLE_RATE // 5
"""Before the first chunk with speech: voice detection notices a soft start late."""
MOST_PATIENCE = 16
"""Speech without words may be laughter or a language that the model does not have. Each time in vain doubles the speech
that is needed for the next, up to this many times."""


class SpeechWatch:
    """Watches one stream.

    Args:
        seconds: Speech without a word that is too much.
    """

    def __init__(self, seconds: float) -> None:
        self._most = round(seconds * SAMPLE_RATE)
        self._patience, self._since = 1, 0
        self._word_end: int | None = None
        self._voiced_before = 0
        """Samples of speech up to the last word, or to the last time that it was decoded again."""
        self._chunks: deque[tuple[int, int]] = deque()
        """Position and speech so far of the chunks since then."""

    def add(self, position: int, word_end: int | None, voice: VoiceSignals | None, token_end: int = 0) -> int | None:
        """Takes a chunk.

        Args:
            position: Audio position on which its result rests.
            word_end: End of the last word so far; None before the first.
            voice: What the sound says there; None where it is not analysed.
            token_end: End of the last token, a mark after that word included.

        Returns:
            The sample from which the audio is to be decoded again, as far as it is kept; None for nothing to do.
        """
        if voice is None:
            return None
        if word_end != self._word_end:
            self._word_end, self._patience = word_end, 1
            self._start_over(position, voice.voiced)
        self._chunks.append((position, voice.voiced))
        # Sounds that are far apart must not add up for ever.
        while len(self._chunks) > 1 and self._chunks[0][0] < position - self._most * self._patience - ENDED:
            self._since, voiced = self._chunks.popleft()
            self._voiced_before = max(self._voiced_before, voiced)
        if not self._is_too_much(position, voice):
            return None
        # The speech began within the chunk after the last one without any.
        silent = max((at for at, voiced in self._chunks if voiced == self._voiced_before), default=self._since)
        self._patience = min(2 * self._patience, MOST_PATIENCE)
        self._start_over(position, voice.voiced)
        # Not before the last token: what has brought one is not decoded twice.
        return max(0, silent - LOOKBACK, self._word_end or 0, token_end)

    def _is_too_much(self, position: int, voice: VoiceSignals) -> bool:
        speech = voice.voiced - self._voiced_before
        if speech >= self._most * self._patience:
            return True
        ended = voice.speech_end is not None and position - voice.speech_end >= ENDED
        return ended and self._patience == 1 and speech >= SHORTEST

    def _start_over(self, position: int, voiced: int) -> None:
        self._since, self._voiced_before = position, voiced
        self._chunks.clear()
