from __future__ import annotations

from auricle_server.archives.attempts import AttemptLedger


def test_what_was_begun_and_not_ended_is_counted() -> None:
    ledger = AttemptLedger()
    for key in ("a", "a", "b", "c"):
        ledger.begin(key)
    ledger.end("b")
    assert ledger.begun(["a", "b", "c", "d"]) == {"a": 2, "c": 1}


def test_an_end_without_a_beginning_is_no_error() -> None:
    ledger = AttemptLedger()
    ledger.end("a")  # the ledger may have been started again with its node
    ledger.begin("a")
    assert ledger.begun(["a"]) == {"a": 1}
