"""Every message survives MessagePack, and bytes of another kind are refused."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from auricle_server.ipc.columns import AudioColumns, ResultBatch, ResultColumns
from auricle_server.ipc.messages import (
    BatchPart,
    CloseStream,
    FlushSecondPass,
    FlushStream,
    FromWorker,
    OpenStream,
    SecondPassChanged,
    SettingsUpdate,
    StepSample,
    StreamFailure,
    StreamOpened,
    ToWorker,
    UpdateRefused,
    UpdateStream,
    WorkerReady,
    WorkerStats,
)
from auricle_server.ipc.zeromq import decode_from_worker, decode_to_worker, encode
from auricle_server.model_info import ModelInfo
from auricle_server.text.calibration import WordCalibration

RESULTS = ResultColumns.of(ResultBatch(*(np.array([each]) for each in (1, 1280, 1, 3, 5, 0, 0.5, 0.4))))
CALIBRATION = WordCalibration(((80, 160.0, 80.0),), (9.5, -1.6))
READY = WorkerReady(ModelInfo("m", ("▁a",), (80,), 80, ("en-US",), "en-US", 0.08, 4, 0.4, CALIBRATION))


def test_every_message_survives_its_encoding() -> None:
    stats = WorkerStats(1, 0.2, 0.3, 4, False, (StepSample(80, 5, 0.006),))
    down = FromWorker(
        (
            READY,
            stats,
            StreamOpened(3, 4, 5),
            StreamFailure(6, "internal", "no"),
            UpdateRefused(7, "no"),
            SecondPassChanged(8, True, 9),
        ),
        RESULTS,
    )
    items = (
        OpenStream(1, 80, "en"),
        UpdateStream(2, SettingsUpdate(160)),
        FlushStream(3, 4, True),
        FlushSecondPass(3),
        CloseStream(5),
    )
    up = ToWorker((BatchPart(AudioColumns.of([1], [2], [b"\1\2"]), items), BatchPart()))
    assert decode_from_worker(encode(down)) == down
    assert decode_to_worker(encode(up)) == up
    with pytest.raises(msgspec.DecodeError):
        decode_to_worker(encode(down))
