"""Progress in the log."""

from __future__ import annotations

import logging

import pytest

from auricle_server.checkpoints.progress import LOG_SECONDS, LoggedProgress, ProgressLines, prefixed


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
        "unpacking model.nemo: 0 of 24 MB",
        "unpacking model.nemo: 10 of 24 MB, 1.0 MB/s, 14 s left",
        "unpacking model.nemo: 20 of 24 MB, 1.0 MB/s, 4 s left",
        "unpacking model.nemo: 24 of 24 MB, 1.0 MB/s",
    ]


def test_a_download_that_goes_on_is_timed_by_what_came_since() -> None:
    now, lines = 100.0, list[str]()
    report = ProgressLines(lines.append, lambda: now)
    report("model", 900_000_000, 2_400_000_000)
    now += LOG_SECONDS
    report("model", 950_000_000, 2_400_000_000)
    report("other", 2_000_000, 2_000_000)
    now += 2 * LOG_SECONDS
    report("model", 950_000_000, 2_400_000_000)
    assert lines == [
        "model: 900 of 2400 MB",
        "model: 950 of 2400 MB, 5.0 MB/s, 4 min 50 s left",
        "other: 2 of 2 MB",
        "model: 950 of 2400 MB, 1.7 MB/s, 14 min 30 s left",
    ]
