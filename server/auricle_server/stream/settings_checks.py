"""Checks what a stream asks for against the limits of the server and the model. Pure."""

from __future__ import annotations

from auricle.protocol import codes
from auricle.protocol.codes import ProtocolViolation
from auricle.protocol.languages import resolve
from auricle.protocol.server_messages import Limits
from auricle.protocol.settings import brief
from auricle_server.model_info import ModelInfo
from auricle_server.text.key_terms import unwritable

_MOST_NAMED = 5


def check_settings(info: ModelInfo, latency_ms: int | None, language: str | None) -> str | None:
    """Checks settings against what the model offers.

    Returns:
        The language as one of the model's codes; None when no language was named.

    Raises:
        ProtocolViolation: One of the `unsupported_*` codes.
    """
    if latency_ms is not None and latency_ms not in info.latencies_ms:
        offered = ", ".join(map(str, info.latencies_ms))
        raise ProtocolViolation(codes.UNSUPPORTED_LATENCY, f"latency_ms {brief(latency_ms)} is not one of {offered}")
    resolved = None if language is None else resolve(language, info.languages)
    if language is not None and resolved is None:
        offered = ", ".join(info.languages)
        raise ProtocolViolation(codes.UNSUPPORTED_LANGUAGE, f"language {brief(language)} is not one of {offered}")
    return resolved


def check_keyterms(keyterms: tuple[str, ...], limits: Limits | None) -> None:
    """Checks how many key terms a stream asks for, and their length.

    Args:
        keyterms: What the client asks for.
        limits: Of the server; None allows none.

    Raises:
        ProtocolViolation: `unsupported_keyterms` or `invalid_keyterms`.
    """
    if not keyterms:
        return
    if limits is None or not limits.keyterms:
        raise ProtocolViolation(codes.UNSUPPORTED_KEYTERMS, "this server takes no key terms; send none")
    if len(keyterms) > limits.keyterms:
        most = f"{len(keyterms)} key terms are more than the {limits.keyterms} that a stream may have"
        raise ProtocolViolation(codes.INVALID_KEYTERMS, most)
    longest = max(keyterms, key=len)
    if len(longest) > limits.keyterm_characters:
        much = f"a key term may have {limits.keyterm_characters} characters; {longest[:40]!r}... has {len(longest)}"
        raise ProtocolViolation(codes.INVALID_KEYTERMS, much)


def unwritable_notice(keyterms: tuple[str, ...], info: ModelInfo) -> str | None:
    """Names the key terms that the model cannot write, for the client; None when it can write all."""
    idle = unwritable(keyterms, info.pieces)
    if not idle:
        return None
    named = ", ".join(repr(term) for term in idle[:_MOST_NAMED])
    more = f" and {len(idle) - _MOST_NAMED} more" if len(idle) > _MOST_NAMED else ""
    return f"{info.name} cannot write {named}{more}; the other key terms hold"
