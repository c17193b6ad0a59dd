from __future__ import annotations

import pytest

from auricle_server.archives.progress import ArchiveProgress, spoken_time


def test_the_line_says_how_far_it_is() -> None:
    progress = ArchiveProgress(4000, 1000, transcribed=126, failed=2, bytes_done=250, audio_seconds=44_280.0)
    assert progress.line(600.0) == (
        "128 of 4,000 files, 12 h 18 min of audio, 73.8 times real time, about 30 min 0 s left, 2 failed"
    )


def test_nothing_is_claimed_before_anything_is_known() -> None:
    assert ArchiveProgress(3).line(0.0) == "0 of 3 files, 0 s of audio"


@pytest.mark.parametrize(
    ("progress", "share"),
    [
        (ArchiveProgress(0), 1.0),
        (ArchiveProgress(4, 0, transcribed=1), 0.25),
        (ArchiveProgress(4, 100, transcribed=1, bytes_done=80), 0.8),
        (ArchiveProgress(4, 100, transcribed=4, bytes_done=130), 1.0),  # files grew meanwhile
    ],
)
def test_the_share_is_by_bytes_where_they_are_known(progress: ArchiveProgress, share: float) -> None:
    assert progress.share == share


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.6, "1 min 0 s"), (3600, "1 h 0 min"), (4e6, "1,111 h 6 min")]
)
def test_times(seconds: float, text: str) -> None:
    assert spoken_time(seconds) == text
