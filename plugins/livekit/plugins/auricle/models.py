"""What a user of the plugin chooses, as one frozen type, and how it travels to the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypedDict, get_args

from auricle.protocol.messages import Start, Update
from auricle.protocol.settings import TurnSettings

TurnDetection = Literal["session", "server"]
"""Who decides that a turn has ended: LiveKit's session, or the Auricle server."""


class OptionChanges(TypedDict, total=False):
    """The options that a running stream takes over from its next chunk on."""

    language: str
    latency_ms: int
    silence_ms: int
    eager_silence_ms: int | None
    keyterms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class STTOptions:
    """How speech is recognised.

    Attributes:
        turn_detection: Who decides that a turn has ended; see `livekit.plugins.auricle.STT`.
        language: BCP-47 code, ``"auto"`` where the model detects the language, or None for the model's default.
        latency_ms: Chunk latency in milliseconds, one of those that the model offers; None for the server's default.
        silence_ms: With ``turn_detection="server"``, the milliseconds without a word after which a turn has ended.
        eager_silence_ms: With ``turn_detection="server"``, the milliseconds without a word, fewer than `silence_ms`,
            after which the session may start its answer ahead; None for never.
        keyterms: Phrases to favour.
        sample_rate: Samples per second of the audio that is sent; frames of another rate are resampled before.
    """

    turn_detection: TurnDetection = "session"
    language: str | None = None
    latency_ms: int | None = None
    silence_ms: int = 500
    eager_silence_ms: int | None = None
    keyterms: tuple[str, ...] = ()
    sample_rate: int = 16_000

    def __post_init__(self) -> None:
        if self.turn_detection not in get_args(TurnDetection):
            raise ValueError(f'turn_detection: expected "session" or "server", got {self.turn_detection!r}')
        if self.eager_silence_ms is not None and self.turn_detection != "server":
            raise ValueError('eager_silence_ms: needs turn_detection="server", for the server is who tells of pauses')
        self.start()

    def start(self) -> Start:
        """The message that opens a stream with these options.

        Raises:
            InvalidMessage: A `ValueError`; an option is out of range, and its `field` says which.
        """
        return Start(
            sample_rate=self.sample_rate,
            latency_ms=self.latency_ms,
            language=self.language,
            turn=self._turn(),
            keyterms=self.keyterms,
        )

    def update(self, changes: OptionChanges) -> Update | None:
        """The message that tells a running stream of `changes`, which these options already hold.

        Key terms are not in it: a server that takes none would refuse the rest as well.
        """
        turn = self._turn() if {"silence_ms", "eager_silence_ms"} & changes.keys() else None
        update = Update(latency_ms=changes.get("latency_ms"), language=changes.get("language"), turn=turn)
        return None if update == Update() else update

    def _turn(self) -> TurnSettings:
        if self.turn_detection == "session":
            return TurnSettings(mode="off", silence_ms=self.silence_ms)
        return TurnSettings(mode="silence", silence_ms=self.silence_ms, eager_silence_ms=self.eager_silence_ms)
