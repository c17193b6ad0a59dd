"""Changes of settings in a running stream: which are possible, and what follows when the server refuses one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from loguru import logger
from pipecat.services.settings import STTSettings
from pipecat.utils.types import NOT_GIVEN, assert_given, is_given

from auricle.context_keyterms import with_context
from auricle.protocol import codes
from auricle.protocol.client_messages import MIN_SAMPLE_RATE, Start, Update
from auricle.protocol.server_messages import Error, Limits, Ready
from auricle.protocol.settings import InvalidMessage, TurnSettings
from pipecat_auricle.settings import (
    UPDATABLE,
    AuricleSTTSettings,
    TurnDetection,
    complete_settings,
    start_message,
    turn_settings,
    update_message,
)

_REFUSED_SETTINGS = {
    codes.UNSUPPORTED_LATENCY: "latency_ms",
    codes.UNSUPPORTED_LANGUAGE: "language",
    codes.UNSUPPORTED_KEYTERMS: "keyterms",
    codes.INVALID_KEYTERMS: "keyterms",
}


class LiveSettings:
    """The settings of a service, and the values that its changes have replaced.

    Args:
        given: What differs from the defaults.
        detection: Who detects turns.

    Attributes:
        settings: All settings. Pipecat changes them; `record` takes the change.
        ready: What the server in use offers; None until one has answered.
        context_terms: Key terms of the conversation, which follow those of the settings.

    Raises:
        ValueError: `detection` is unknown, or a setting is out of range.
    """

    def __init__(self, given: AuricleSTTSettings | None, detection: TurnDetection) -> None:
        self.settings = complete_settings(given, detection)
        # Once connected, the settings have the name that the server says; another server may have other names.
        self._model = assert_given(self.settings.model)
        self.ready: Ready | None = None
        self.context_terms: tuple[str, ...] = ()
        self._detection: TurnDetection = detection
        self._replaced: dict[str, list[Any]] = {}

    @property
    def turn(self) -> TurnSettings:
        """How the server detects turns; mode ``"off"`` when Pipecat does."""
        return turn_settings(self.settings, self._detection)

    def start_message(self, sample_rate: int) -> Start:
        """The message that opens a stream."""
        return replace(start_message(self.settings, self._detection, sample_rate), model=self._model)

    @property
    def latency_seconds(self) -> float:
        """Chunk latency in force; 0 when it is the server's default and no server has answered yet."""
        default = 0 if self.ready is None else self.ready.latency_ms
        return (assert_given(self.settings.latency_ms) or default) / 1000

    def without_model(self, delta: STTSettings) -> STTSettings:
        """The change without the model, which only the server can change."""
        if is_given(delta.model) and delta.model != self.settings.model:
            logger.warning(f"auricle: the server runs the model {self.settings.model!r}, and cannot change it")
        delta = delta.copy()
        delta.model = NOT_GIVEN
        return delta

    def objection(self, delta: STTSettings) -> str | None:
        """Why a change is impossible, in a sentence; None when it is possible as far as is known here."""
        wanted = self.settings.copy()
        changed = STTSettings.apply_update(wanted, delta)
        for name in changed.keys() & {"language", "latency_ms"}:
            if getattr(wanted, name) is None:
                return f"{name} cannot go back to the server's default in a running stream; name a value"
        try:
            # Built only for its checks, so any valid rate will do.
            start = start_message(wanted, self._detection, MIN_SAMPLE_RATE)
        except InvalidMessage as error:
            return str(error)
        return None if self.ready is None else _not_offered(self.ready, start, changed.keys())

    def record(self, replaced: dict[str, Any]) -> Update | None:
        """Takes the earlier values of changed settings; returns the message for a running stream, if it needs one."""
        names = replaced.keys() & UPDATABLE
        if others := replaced.keys() - UPDATABLE:
            logger.warning(f"auricle: settings without effect: {', '.join(sorted(others))}")
        for name in names:
            self._replaced.setdefault(name, []).append(replaced[name])
        return self._update(names) if names else None

    def keyterms_update(self) -> Update | None:
        """The message that brings all key terms to a running stream; None where the server takes none."""
        return None if self.ready is None or not self.ready.limits.keyterms else self._update({"keyterms"})

    def _update(self, names: Collection[str]) -> Update:
        update = update_message(self.settings, self._detection, names)
        if update.keyterms is None or self.ready is None:
            return update
        limits = self.ready.limits
        context = [term for term in self.context_terms if len(term) <= limits.keyterm_characters]
        return replace(update, keyterms=with_context(update.keyterms, context, most=limits.keyterms))

    def restore_refused(self, event: Error) -> None:
        """Sets a refused setting to its latest value that the server has: with the refused one no stream would open."""
        name = _REFUSED_SETTINGS.get(event.code)
        if name is None or self.ready is None:
            return
        values = self._replaced.get(name, [])
        while values and not _has(self.ready, getattr(self.settings, name)):
            setattr(self.settings, name, values.pop())


def _not_offered(ready: Ready, start: Start, changed: Collection[str]) -> str | None:
    """What is wrong with changed settings that the server does not have. It answers for the language itself."""
    if "latency_ms" in changed and start.latency_ms not in ready.latencies_ms:
        return f"latency_ms: {start.latency_ms} is not one of {', '.join(map(str, ready.latencies_ms))}"
    return _too_many(start.keyterms, ready.limits) if "keyterms" in changed else None


def _too_many(keyterms: tuple[str, ...], limits: Limits) -> str | None:
    """What is wrong with key terms beyond the server's limits; a server without key terms refuses them itself."""
    if not limits.keyterms or limits.fit(keyterms):
        return None
    return f"keyterms: the server takes {limits.keyterms} of at most {limits.keyterm_characters} characters"


def _has(ready: Ready, value: int | str | Sequence[str] | None) -> bool:
    """Whether the server has this latency, language or list of key terms; it always has a default."""
    if value is None or isinstance(value, int | str):
        return value is None or ready.offers(value)
    return ready.offers(tuple(value))
