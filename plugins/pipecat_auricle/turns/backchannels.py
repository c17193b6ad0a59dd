"""Acknowledgements while the bot speaks ("mm-hm", "okay"): no turn, so the bot goes on. English only."""

from __future__ import annotations

import re
from typing import Any

from pipecat.frames import frames as pipecat_frames
from pipecat.utils.time import time_now_iso8601

from auricle.protocol.server_messages import Final

BACKCHANNEL_THRESHOLD = 0.6
"""Of `Final.backchannel`. Servers give "mm-hm" 0.95, "I see" 0.85, "yeah" and "okay" 0.7; "sure" and "yes", which are
more often an answer, at most 0.5."""

_WORDS = frozenset(
    """
    a aha ah ahh all alright got gotcha ha hm hmm huh i it k m mhm mhmm mm mmhm mmm o oh ok okay okey ooh right see
    so uh uhhuh uhuh um well wow ya yah yea yeah yep yup
    """.split()
)
_WORD = re.compile(r"[^\W\d_]+")
_LONGEST = 8

# Pipecat has it from 1.13 on; before, an acknowledgement is a transcript like any other.
_FRAME: Any = getattr(pipecat_frames, "UserBackchannelFrame", None)


def may_become_backchannel(text: str, language: str) -> bool:
    """Whether the words so far may be all of a backchannel, so that it is too early to interrupt the bot for them.

    Args:
        text: Of an interim; empty before the first.
        language: Its code; empty before the first.
    """
    if language.partition("-")[0] not in {"en", "auto", ""}:
        return False
    words = _WORD.findall(text.lower())
    return len(words) <= _LONGEST and _WORDS.issuperset(words)


def is_backchannel(event: Final, threshold: float | None) -> bool:
    """Whether a final is a backchannel for which this version of Pipecat has a frame.

    Args:
        event: From the server.
        threshold: Its least probability; None where the application wants transcripts only.
    """
    if _FRAME is None or threshold is None or event.backchannel is None or not event.text.strip():
        return False
    return event.backchannel >= threshold


def backchannel_frame(text: str, user_id: str) -> pipecat_frames.Frame:
    """Pipecat's `UserBackchannelFrame`, which goes down instead of a transcript."""
    frame: pipecat_frames.Frame = _FRAME(text=text, user_id=user_id, timestamp=time_now_iso8601())
    return frame
