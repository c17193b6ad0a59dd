"""Makes finals of segments. Pure; positions are samples at 16 kHz, times of events seconds."""

from __future__ import annotations

from dataclasses import dataclass

from auricle.protocol.server_messages import Final
from auricle.protocol.settings import Expect
from auricle_server.ipc.messages import SAMPLE_RATE
from auricle_server.stream.language_tracker import RequestedLanguage, as_message, main_language, spans
from auricle_server.stream.transcript import Segment
from auricle_server.turns import backchannel_of, collected, is_english


@dataclass(frozen=True, slots=True)
class FinalPlace:
    """Where a final stands in its stream, and what its client wants to know.

    Attributes:
        position: The audio position on which it was decided.
        settled: No later event depends on audio before it.
        asked: The languages that the client has asked for.
        language: In force at `position`, for a final without words.
        words: Whether finals carry words.
        expect: What is dictated.
    """

    position: int
    settled: int
    asked: RequestedLanguage
    language: str
    words: bool
    expect: Expect

    def final(self, interim: Segment, final: Segment, finalize_id: str | None, *, refined: bool) -> Final:
        """A final of the words in `final`, in the bounds of the interims if these had any.

        Args:
            interim: What the interims have shown.
            final: The words of the pass that counts.
            finalize_id: Of the finalize that it answers.
            refined: Whether the words are those of the second pass.
        """
        # Interims have told the client these bounds; the second pass times words a little differently.
        bounds = final if interim.start is None else interim
        runs = spans(final.languages, self.asked)
        return Final(
            audio_time=self.position / SAMPLE_RATE,
            text=final.text,
            start=(self.position if bounds.start is None else bounds.start) / SAMPLE_RATE,
            end=(self.position if bounds.end is None else bounds.end) / SAMPLE_RATE,
            language=main_language(runs) if runs else self.language,
            words=final.words if self.words else (),
            finalize_id=finalize_id,
            settled=self.settled / SAMPLE_RATE,
            refined=refined,
            confidence=final.confidence,
            languages=as_message(runs),
            backchannel=backchannel_of(final.text, english=self.is_english(final)),
            collected=collected(final.text, self.expect),
        )

    def is_english(self, segment: Segment) -> bool:
        """Whether all words of a segment are English."""
        return all(is_english(language) for language, *_ in spans(segment.languages, self.asked))
