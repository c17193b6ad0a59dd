"""How far an archive is. Reads no clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ArchiveProgress:
    """Counts of a run.

    Attributes:
        files: How many there are to do.
        size: Bytes of all, as far as they are known.
        transcribed: How many are done.
        failed: How many could not be transcribed.
        damaged: How many of those done could not be read to their end.
        again: How many had to be done again because a worker had ended.
        bytes_done: Bytes of the files that are done or have failed.
        audio_seconds: Of the files that are done.
    """

    files: int
    size: int = 0
    transcribed: int = 0
    failed: int = 0
    damaged: int = 0
    again: int = 0
    bytes_done: int = 0
    audio_seconds: float = 0.0

    @property
    def ended(self) -> int:
        """Files with an answer."""
        return self.transcribed + self.failed

    @property
    def share(self) -> float:
        """Of the work that is done, 0 to 1: by bytes, because files differ by more than their number says."""
        if self.size:
            return min(1.0, self.bytes_done / self.size)
        return self.ended / self.files if self.files else 1.0

    def line(self, working_seconds: float) -> str:
        """The state in words.

        Args:
            working_seconds: Since the first worker was ready.
        """
        parts = [f"{self.ended:,} of {self.files:,} files", f"{spoken_time(self.audio_seconds)} of audio"]
        if working_seconds > 0 and self.audio_seconds:
            parts.append(f"{self.audio_seconds / working_seconds:.1f} times real time")
        if 0 < self.share < 1:
            parts.append(f"about {spoken_time(working_seconds * (1 / self.share - 1))} left")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        return ", ".join(parts)


def spoken_time(seconds: float) -> str:
    """A length of time to two units: ``3 h 20 min``, ``4 min 5 s``, ``12 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
