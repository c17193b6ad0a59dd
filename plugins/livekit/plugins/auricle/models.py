"""The options of the plugin as one frozen type, and the messages that carry them to the server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypedDict, cast, get_args

from livekit.agents import NOT_GIVEN, LanguageCode, NotGivenOr
from livekit.agents.stt import STTCapabilities
from livekit.agents.utils import is_given

from auricle.protocol.client_messages import Start, Update
from auricle.protocol.languages import AUTO
from auricle.protocol.settings import (
    AS_SAID,
    REFINES,
    Expect,
    InvalidMessage,
    Refine,
    TextFormat,
    TurnSettings,
    phrases,
    require,
)

TurnDetection = Literal["session", "server"]
"""Who detects the end of a turn: LiveKit's session, or the Auricle server."""
TurnMode = Literal["silence", "semantic"]
"""How the server detects it: by silence alone, or by the words and the sound."""
SESSION_FLUSHES = "manual_flush" in {each.name for each in fields(STTCapabilities)}
"""Whether a session asks for the final when it finds a pause, as since LiveKit 1.8.9."""
_FINAL_SILENCE_MS = 300
"""Without that, the milliseconds without a word after which the server makes one, well before the 550 ms of silence
after which LiveKit's voice detection reports a pause. The session adds up the finals of a turn, so more of them are no
harm."""
_DEFAULTS = TurnSettings()


class OptionKeywords(TypedDict, total=False):
    """The options of `STT.update_options` and `SpeechStream.update_options`, which live streams follow."""

    language: NotGivenOr[str | None]
    detect_language: NotGivenOr[bool]
    languages: NotGivenOr[Sequence[str] | None]
    latency_ms: NotGivenOr[int]
    turn_mode: NotGivenOr[TurnMode]
    silence_ms: NotGivenOr[int]
    eager_silence_ms: NotGivenOr[int | None]
    end_threshold: NotGivenOr[float]
    eager_threshold: NotGivenOr[float | None]
    min_silence_ms: NotGivenOr[int]
    max_silence_ms: NotGivenOr[int]
    max_turn_seconds: NotGivenOr[float | None]
    expect: NotGivenOr[Expect]
    keyterms: NotGivenOr[Sequence[str]]
    refine: NotGivenOr[Refine]
    text_format: NotGivenOr[TextFormat]


class OptionChanges(TypedDict, total=False):
    """Fields of `STTOptions` that change; a running stream follows them from its next chunk on."""

    language: str | None
    languages: tuple[str, ...]
    latency_ms: int
    turn_mode: TurnMode
    silence_ms: int
    eager_silence_ms: int | None
    end_threshold: float
    eager_threshold: float | None
    min_silence_ms: int
    max_silence_ms: int
    max_turn_seconds: float | None
    expect: Expect
    keyterms: tuple[str, ...]
    refine: Refine
    text_format: TextFormat


_LANGUAGE = {"language", "languages"}
_TURN = OptionChanges.__annotations__.keys() - _LANGUAGE - {"latency_ms", "keyterms", "refine", "text_format"}
# The others have defaults that cannot be told from values that were asked for.
_SERVER_ONLY = ("turn_mode", "eager_silence_ms", "eager_threshold")
"""Options that have an effect only when the server detects turns."""


@dataclass(frozen=True, slots=True)
class STTOptions:
    """How speech is recognised.

    Attributes:
        turn_detection: Who detects the end of a turn; see `livekit.plugins.auricle.STT`.
        language: BCP-47 code in any usual form or an English name, ``"auto"`` where the model detects the language, or
            None for the model's default. A locale that the model does not have falls back to the closest one that it
            has. In a final with several languages, `SpeechData.language` is that of most speech, and
            `SpeechData.source_languages` are all of them, that one first.
        languages: The languages that may be spoken, instead of one. With several the model detects the language, as
            with ``"auto"``, and `SpeechData` names those only; the model itself still knows its others.
        latency_ms: Chunk latency in milliseconds, one of those that the model offers; None for the server's default.
            A smaller one gives earlier words, a larger one fewer errors.
        turn_mode: With ``turn_detection="server"``, how it detects the end: ``"silence"``, by silence alone; or
            ``"semantic"``, by the words and the sound, so that a turn that is complete ends soon, and one that breaks
            off in mid-sentence gets time.
        silence_ms: In ``"silence"`` mode, the milliseconds without a word after which a turn has ended.
        eager_silence_ms: In ``"silence"`` mode, the milliseconds without a word, 80 up to less than `silence_ms`, after
            which the session gets the words so far as a PREFLIGHT and starts its answer ahead, if its
            ``preemptive_generation`` is on. It uses the answer when the turn ends with these words, and drops it when
            the speaker goes on. None for never.
        end_threshold: In ``"semantic"`` mode, the probability, from 0 to 1, from which on a turn has ended. A smaller
            one answers sooner, a larger one interrupts less.
        eager_threshold: In ``"semantic"`` mode, a lower one from which on the session gets a PREFLIGHT; None for never.
        min_silence_ms: In ``"semantic"`` mode, no turn ends with fewer milliseconds of silence, not even eagerly.
        max_silence_ms: In ``"semantic"`` mode, every turn ends with this many.
        max_turn_seconds: Speech that goes on for longer gets a final after this many seconds, cut at a pause between
            two words, whoever detects turns; the server's turns end there too. None for never.
        expect: ``"digits"`` or ``"letters"`` while somebody dictates a number or a spelling, ``"none"`` otherwise. The
            server's turns then wait longer between the groups; ``metadata["collected"]`` of a final has the characters.
        keyterms: Phrases to favour, where the server's model can.
        refine: Whether finals are decoded a second time, as accurately as at the model's longest latency, while
            interims and turn ends come at that of `latency_ms`: ``"off"``, ``"on"``, or ``"auto"``, while the server
            has time to spare. ``metadata["refined"]`` of a final's `SpeechData` says which were.
        text_format: How the words are written: numbers, money and dates as people write them, profane words masked,
            phrases replaced; by default as they were said.
        sample_rate: Samples per second of the audio that is sent; frames of another rate are resampled.
        model: Name of the model, of a server with several; None for the server's default.
    """

    turn_detection: TurnDetection = "session"
    language: str | None = None
    languages: tuple[str, ...] = ()
    latency_ms: int | None = None
    turn_mode: TurnMode = "silence"
    silence_ms: int = _DEFAULTS.silence_ms
    eager_silence_ms: int | None = None
    end_threshold: float = _DEFAULTS.end_threshold
    eager_threshold: float | None = None
    min_silence_ms: int = _DEFAULTS.min_silence_ms
    max_silence_ms: int = _DEFAULTS.max_silence_ms
    max_turn_seconds: float | None = None
    expect: Expect = "none"
    keyterms: tuple[str, ...] = ()
    refine: Refine = "off"
    text_format: TextFormat = AS_SAID
    sample_rate: int = 16_000
    model: str | None = None

    def __post_init__(self) -> None:
        if self.turn_detection not in get_args(TurnDetection):
            raise ValueError(f'turn_detection: expected "session" or "server", got {self.turn_detection!r}')
        if self.turn_mode not in get_args(TurnMode):
            raise ValueError(f'turn_mode: expected "silence" or "semantic", got {self.turn_mode!r}')
        self._check_server_only()
        if self.language is not None and self.languages:
            raise ValueError(f"languages: contradicts language={self.language!r}; give one of the two")
        require(self.refine in REFINES, "refine", f"expected one of {', '.join(REFINES)}, got {self.refine!r}")
        fits = isinstance(self.text_format, TextFormat)
        require(fits, "text_format", f"expected an auricle.TextFormat, got {self.text_format!r}")
        self.start()

    def _check_server_only(self) -> None:
        for name in _SERVER_ONLY:
            if self.turn_detection != "server" and getattr(self, name) not in {None, "silence"}:
                raise ValueError(f'{name}: needs turn_detection="server", got {self.turn_detection!r}')

    def changed_from(self, earlier: STTOptions) -> OptionChanges | None:
        """What a running stream with the `earlier` options must be told; None when it cannot follow these."""
        names = [each.name for each in fields(self) if getattr(self, each.name) != getattr(earlier, each.name)]
        if not OptionChanges.__annotations__.keys() >= set(names):
            return None
        return cast("OptionChanges", {name: getattr(self, name) for name in names})

    def decided_by_session(self) -> STTOptions:
        """The same options without the server's turn detection."""
        return replace(self, turn_detection="session", turn_mode="silence", eager_silence_ms=None, eager_threshold=None)

    @property
    def asked_language(self) -> str | None:
        """The code that the server is asked for; None for its default."""
        if len(self.languages) > 1:
            return AUTO
        return code_of(self.languages[0] if self.languages else self.language)

    def start(self) -> Start:
        """The message that opens a stream with these options.

        Raises:
            InvalidMessage: An option is out of range; `field` names it. It is a `ValueError`.
        """
        return Start(
            sample_rate=self.sample_rate,
            latency_ms=self.latency_ms,
            language=self.asked_language,
            turn=self._turn(),
            keyterms=self.keyterms,
            refine=self.refine,
            text_format=self.text_format,
            model=self.model,
        )

    def recording(self, sample_rate: int) -> Start:
        """The message that opens a stream for a whole recording: with all the look-ahead, and without turns."""
        start = self.decided_by_session().start()
        off = TurnSettings(mode="off")
        return replace(start, sample_rate=sample_rate, latency_ms=None, turn=off, offline=True)

    def update(self, changes: OptionChanges, default_language: str | None = None) -> Update | None:
        """The message that brings `changes`, which these options already contain, to a running stream.

        Key terms are not in it: a server that takes none would refuse the other changes with them.

        Args:
            changes: What has changed.
            default_language: Of the server, as an update names a language and not "the default".
        """
        update = Update(
            latency_ms=changes.get("latency_ms"),
            language=(self.asked_language or default_language) if _LANGUAGE & changes.keys() else None,
            turn=self._turn() if _TURN & changes.keys() else None,
            refine=changes.get("refine"),
            text_format=changes.get("text_format"),
        )
        return None if update == Update() else update

    def _turn(self) -> TurnSettings:
        by_server = self.turn_detection == "server"
        asked = TurnSettings(
            mode=self.turn_mode if by_server else "off",
            silence_ms=self.silence_ms,
            eager_silence_ms=self.eager_silence_ms,
            end_threshold=self.end_threshold,
            eager_threshold=self.eager_threshold,
            min_silence_ms=self.min_silence_ms,
            max_silence_ms=self.max_silence_ms,
            max_turn_seconds=self.max_turn_seconds,
            expect=self.expect,
        )
        if by_server or SESSION_FLUSHES:
            return asked
        # Finals at pauses; the turns that come with them are left out.
        return replace(asked, mode="silence", silence_ms=_FINAL_SILENCE_MS)


def code_of(language: str | None) -> str | None:
    """The code of a language that is given in any form that LiveKit knows, such as ``"german"``."""
    return None if language is None else str(LanguageCode(language))


def changes_asked_for(keywords: OptionKeywords) -> OptionChanges:
    """The fields of `STTOptions` that the keywords of an ``update_options`` change; `NOT_GIVEN` changes nothing.

    Raises:
        ValueError: They contradict each other, or hold key terms or languages that are no lists.
        TypeError: There is no option of a name.
    """
    unknown = keywords.keys() - OptionKeywords.__annotations__.keys()
    if unknown:
        raise TypeError(f"update_options: there is no option {', '.join(sorted(unknown))} that can change")
    given = cast("dict[str, Any]", keywords)
    asked = {name: value for name, value in given.items() if is_given(value)}
    if "detect_language" in asked:
        asked["language"] = language_asked_for(keywords.get("language", NOT_GIVEN), asked.pop("detect_language"))
    if "keyterms" in asked:
        asked["keyterms"] = phrases(asked["keyterms"])
    if "languages" in asked:
        asked["languages"] = candidates(asked["languages"])
    # One replaces the other, but both at once contradict each other.
    if asked.get("languages") and "language" not in asked:
        asked["language"] = None
    elif "language" in asked and "languages" not in asked:
        asked["languages"] = ()
    return cast("OptionChanges", asked)


def candidates(languages: Sequence[str] | None) -> tuple[str, ...]:
    """The languages that may be spoken; ``"auto"`` alone when they are not limited, as with it among them.

    Raises:
        InvalidMessage: They are one string.
    """
    if isinstance(languages, str):
        raise InvalidMessage("languages", f"expected a list of languages, got {languages!r}; or use language=")
    named = tuple(dict.fromkeys(languages or ()))
    return (AUTO,) if AUTO in map(code_of, named) else named


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
