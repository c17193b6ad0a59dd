"""Progress in the log."""

from __future__ import annotations

import logging

import pytest

from auricle_server.checkpoints.progress import LOG_SECONDS, LoggedProgress, prefixed


def test_the_first_report_the_end_and_one_every_ten_seconds_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    report = prefixed("unpacking", LoggedProgress(lambda: now))
    with caplog.at_level(logging.INFO):
        for second in range(25):
            now = float(second)
            report("model.nemo", second * 1_000_000, 24_000_000)
        report("model.nemo", 24_000_000, 24_000_000)
    assert LOG_SECONDS == 10.0
    assert [record.message for record in caplog.records] == [
        f"unpacking model.nemo: {done} of 24 MB" for done in (0, 10, 20, 24)
    ]
