from __future__ import annotations

import pytest

from auricle_server.archives.archive_format import ArchiveFormat, format_of
from auricle_server.archives.errors import ArchiveError


def test_the_format_is_that_of_the_name() -> None:
    assert format_of("out", None) is ArchiveFormat.JSONL
    assert format_of("out.PARQUET/", None) is ArchiveFormat.PARQUET
    assert format_of("s3://b/out", ArchiveFormat.PARQUET) is ArchiveFormat.PARQUET
    with pytest.raises(ArchiveError, match=r"ends in \.parquet but --format says jsonl"):
        format_of("out.parquet", ArchiveFormat.JSONL)
