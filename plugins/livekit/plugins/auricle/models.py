"""The options of the plugin as one frozen type, and the messages that carry them to the server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypedDict, get_args

from livekit.agents import LanguageCode, NotGivenOr
from livekit.agents.utils import is_given

from auricle.protocol.client_messages import Start, Update
from auricle.protocol.languages import AUTO
from auricle.protocol.settings import REFINES, Refine, TurnSettings, require

TurnDetection = Literal["session", "server"]
"""Who detects the end of a turn: LiveKit's session, or the Auricle server."""
TurnMode = Literal["silence", "semantic"]
"""How the server detects it: by silence alone, or by the words and the sound."""
_DEFAULTS = TurnSettings()


class OptionChanges(TypedDict, total=False):
    """The options that a running stream follows from its next chunk on."""

    language: str
    latency_ms: int
    turn_mode: TurnMode
    silence_ms: int
    eager_silence_ms: int | None
    end_threshold: float
    eager_threshold: float | None
    min_silence_ms: int
    max_silence_ms: int
    keyterms: tuple[str, ...]
    refine: Refine


_TURN = OptionChanges.__annotations__.keys() - {"language", "latency_ms", "keyterms", "refine"}
# The others have defaults that cannot be told from values that were asked for.
_SERVER_ONLY = ("turn_mode", "eager_silence_ms", "eager_threshold")
"""Options that have an effect only when the server detects turns."""


@dataclass(frozen=True, slots=True)
class STTOptions:
    """How speech is recognised.

    Attributes:
        turn_detection: Who detects the end of a turn; see `livekit.plugins.auricle.STT`.
        language: A code or an English name; ``"auto"`` where the model detects the language, None for its default.
        latency_ms: Chunk latency in milliseconds, one of those that the model offers; None for the server's default.
        turn_mode: With ``turn_detection="server"``, how it detects the end: ``"silence"`` or ``"semantic"``.
        silence_ms: In ``"silence"`` mode, the milliseconds without a word after which a turn has ended.
        eager_silence_ms: In ``"silence"`` mode, the milliseconds without a word, fewer than `silence_ms`, after which
            the session may start its answer ahead; None for never.
        end_threshold: In ``"semantic"`` mode, the probability, from 0 to 1, from which on a turn has ended.
        eager_threshold: In ``"semantic"`` mode, a lower one from which on the session may start its answer ahead; None
            for never.
        min_silence_ms: In ``"semantic"`` mode, no turn ends with fewer milliseconds of silence.
        max_silence_ms: In ``"semantic"`` mode, every turn ends with this many.
        keyterms: Phrases to favour.
        refine: Whether finals are decoded a second time: ``"off"``, ``"on"`` or ``"auto"``.
        sample_rate: Samples per second of the audio that is sent; frames of another rate are resampled.
    """

    turn_detection: TurnDetection = "session"
    language: str | None = None
    latency_ms: int | None = None
    turn_mode: TurnMode = "silence"
    silence_ms: int = _DEFAULTS.silence_ms
    eager_silence_ms: int | None = None
    end_threshold: float = _DEFAULTS.end_threshold
    eager_threshold: float | None = None
    min_silence_ms: int = _DEFAULTS.min_silence_ms
    max_silence_ms: int = _DEFAULTS.max_silence_ms
    keyterms: tuple[str, ...] = ()
    refine: Refine = "off"
    sample_rate: int = 16_000

    def __post_init__(self) -> None:
        if self.turn_detection not in get_args(TurnDetection):
            raise ValueError(f'turn_detection: expected "session" or "server", got {self.turn_detection!r}')
        if self.turn_mode not in get_args(TurnMode):
            raise ValueError(f'turn_mode: expected "silence" or "semantic", got {self.turn_mode!r}')
        self._check_server_only()
        require(self.refine in REFINES, "refine", f"expected one of {', '.join(REFINES)}, got {self.refine!r}")
        self.start()

    def _check_server_only(self) -> None:
        for name in _SERVER_ONLY:
            if self.turn_detection != "server" and getattr(self, name) not in {None, "silence"}:
                raise ValueError(f'{name}: needs turn_detection="server", got {self.turn_detection!r}')

    def decided_by_session(self) -> STTOptions:
        """The same options without the server's turn detection."""
        return replace(self, turn_detection="session", turn_mode="silence", eager_silence_ms=None, eager_threshold=None)

    def start(self) -> Start:
        """The message that opens a stream with these options.

        Raises:
            InvalidMessage: An option is out of range; `field` names it. It is a `ValueError`.
        """
        return Start(
            sample_rate=self.sample_rate,
            latency_ms=self.latency_ms,
            language=code_of(self.language),
            turn=self._turn(),
            keyterms=self.keyterms,
            refine=self.refine,
        )

    def update(self, changes: OptionChanges) -> Update | None:
        """The message that brings `changes`, which these options already contain, to a running stream.

        Key terms are not in it: a server that takes none would refuse the other changes with them.
        """
        update = Update(
            latency_ms=changes.get("latency_ms"),
            language=code_of(changes.get("language")),
            turn=self._turn() if _TURN & changes.keys() else None,
            refine=changes.get("refine"),
        )
        return None if update == Update() else update

    def _turn(self) -> TurnSettings:
        return TurnSettings(
            mode=self.turn_mode if self.turn_detection == "server" else "off",
            silence_ms=self.silence_ms,
            eager_silence_ms=self.eager_silence_ms,
            end_threshold=self.end_threshold,
            eager_threshold=self.eager_threshold,
            min_silence_ms=self.min_silence_ms,
            max_silence_ms=self.max_silence_ms,
        )


def code_of(language: str | None) -> str | None:
    """The code of a language that is given in any form that LiveKit knows, such as ``"german"``."""
    return None if language is None else str(LanguageCode(language))


def language_asked_for(language: NotGivenOr[str | None], detect_language: NotGivenOr[bool]) -> NotGivenOr[str | None]:
    """The language option, with ``detect_language=True`` as another form of ``language="auto"``.

    Raises:
        ValueError: The two contradict each other, or ``detect_language=False`` comes without a language.
    """
    if not is_given(detect_language):
        return language
    named = is_given(language) and language is not None
    if detect_language and named and language != AUTO:
        raise ValueError(f"detect_language: contradicts language={language!r}")
    if not detect_language and not named:
        raise ValueError("detect_language: False needs a language; name one")
    return AUTO if detect_language else language
