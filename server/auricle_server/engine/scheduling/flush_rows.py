"""How much a flush decodes, and what state it leaves: a choice by measurement.

300 cuts in pauses at each of four latencies, at a random moment from the end of the last word on, with the demo model.
The words were compared with those of the same stream without cuts.

- *Continuing from the flushed state* (of the prediction network; the encoder's cannot be kept without moving the
  clock): up to 11 words in 500 cuts were repeated or split, and what followed changed.
- *Restoring the state before the flush*, and dropping what is decoded a second time (`stream.flush_dedup`): what
  follows is that of the stream without cuts, token for token. No word was lost.
- *Silence after the end*: decoders emit a word up to two frames after its end and its full stop up to six. Without
  silence, 9 or 10 finals of 300 lacked their closing mark and up to 8 had another last word; with six frames of silence
  appended to the cut, at most 1 and at most 5. So a flush decodes `SILENT_FRAMES` more, in a chunk that holds them.

The last flush of a stream appends no silence: its tokens are those of NeMo's offline result.
"""

from __future__ import annotations

from collections.abc import Sequence

SILENT_FRAMES = 5
"""Encoder frames of silence that a flush appends. Two chunks of 160 ms and these fit a chunk of 560 ms."""
MOST_TWICE = 4
"""Encoder frames, of a chunk that a flush completes and of the audio after it, that are decoded for the flush before
the chunk is: two chunks of 160 ms. The two versions of longer stretches differ more often."""


def frames_of_flush(pending: int, frames: int, sizes: Sequence[int], *, whole: bool, last: bool) -> int:
    """Encoder frames of the chunk in which a flush is decoded; 0 when whole chunks go first, or nothing is new.

    A short chunk that the flush completes need not go first when one row holds both: the answer then comes a step
    earlier.

    Args:
        pending: Encoder frames that are not decoded yet.
        frames: Of the stream's next whole chunk.
        sizes: Chunk sizes that there are, ascending.
        whole: Whether that chunk is complete.
        last: Whether the stream ends with the flush.
    """
    if pending <= 0 or (last and whole):
        return 0
    if last:
        return frames
    fitting = [size for size in sizes if size >= max(frames, pending + SILENT_FRAMES)]
    if whole and (pending > min(2 * frames, MOST_TWICE) or not fitting):
        return 0
    return fitting[0] if fitting else sizes[-1]
