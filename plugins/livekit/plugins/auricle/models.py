"""What a user of the plugin chooses, as one frozen type, and how it travels to the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict, get_args

from auricle.protocol.messages import Start, TurnSettings, Update

TurnDetection = Literal["session", "server"]
"""Who decides that a turn has ended: LiveKit's session, or the Auricle server."""


class OptionChanges(TypedDict, total=False):
    """The options that a running stream takes over from its next chunk on."""

    language: str
    latency_ms: int
    silence_ms: int


@dataclass(frozen=True, slots=True)
class STTOptions:
    """How speech is recognised.

    Attributes:
        turn_detection: Who decides that a turn has ended; see `livekit.plugins.auricle.STT`.
        language: BCP-47 code, ``"auto"`` where the model detects the language, or None for the model's default.
        latency_ms: Chunk latency in milliseconds, one of those that the model offers; None for the server's default.
        silence_ms: With ``turn_detection="server"``, the milliseconds without a word after which a turn has ended.
        sample_rate: Samples per second of the audio that is sent; frames of another rate are resampled before.
    """

    turn_detection: TurnDetection = "session"
    language: str | None = None
    latency_ms: int | None = None
    silence_ms: int = 500
    sample_rate: int = 16_000

    def __post_init__(self) -> None:
        if self.turn_detection not in get_args(TurnDetection):
            raise ValueError(f'turn_detection: expected "session" or "server", got {self.turn_detection!r}')
        self.start()

    def start(self) -> Start:
        """The message that opens a stream with these options.

        Raises:
            InvalidMessage: A `ValueError`; an option is out of range, and its `field` says which.
        """
        return Start(
            sample_rate=self.sample_rate, latency_ms=self.latency_ms, language=self.language, turn=self._turn()
        )

    def update(self, changes: OptionChanges) -> Update:
        """The message that tells a running stream of `changes`, which these options already hold."""
        turn = self._turn() if "silence_ms" in changes else None
        return Update(latency_ms=changes.get("latency_ms"), language=changes.get("language"), turn=turn)

    def _turn(self) -> TurnSettings:
        return TurnSettings(mode="silence" if self.turn_detection == "server" else "off", silence_ms=self.silence_ms)
