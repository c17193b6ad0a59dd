"""NeMo's models beside ours. NeMo is slow to import, so all of it is loaded once and only here."""

from __future__ import annotations

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.archives import unpack

pytest.importorskip("nemo", reason="the [nemo] extra is not installed")

HERE = Path(__file__).parent
DEMO = Path(__file__).parents[2] / "server/auricle_server/checkpoints/demo/demo_en.nemo"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.parity)
            item.add_marker(pytest.mark.xdist_group("nemo"))  # one process imports it


@pytest.fixture(scope="session", autouse=True)
def quiet() -> Iterator[None]:
    """NeMo's import warns of much that is not ours to mend."""
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nemo.utils import logging as nemo_logging

        nemo_logging.setLevel(logging.ERROR)
        yield


def _restore(path: Path) -> Any:
    """NeMo's model, from an archive that we unpack: NeMo's own unpacking needs a Python newer than Debian 12's."""
    from nemo.collections.asr.models import ASRModel
    from nemo.core.connectors.save_restore_connector import SaveRestoreConnector

    connector = SaveRestoreConnector()
    with tempfile.TemporaryDirectory() as folder:
        connector.model_extracted_dir = str(unpack(path, Path(folder)))
        return ASRModel.restore_from(str(path), map_location="cpu", save_restore_connector=connector).eval()


class Reference:
    """NeMo's offline result for one checkpoint.

    Args:
        path: A ``.nemo`` file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = _restore(path)
        self.model.preprocessor.featurizer.dither = 0.0
        self.model.preprocessor.featurizer.pad_to = 0
        self.contexts = [tuple(context) for context in self.model.encoder.att_context_size_all]

    def features(self, audio: torch.Tensor) -> torch.Tensor:
        """Log-mel, [T, bins]."""
        mel, length = self.model.preprocessor(input_signal=audio[None], length=torch.tensor([len(audio)]))
        return mel[0, :, : int(length)].T

    def encode(self, audio: torch.Tensor, context: tuple[int, int]) -> torch.Tensor:
        """Encoder frames, [T, d_model]; none for audio shorter than one mel frame."""
        self.model.encoder.set_default_att_context_size(list(context))
        if len(audio) < 160:  # no mel frame; NeMo's preprocessor does not take an empty signal
            return torch.zeros(0, self.model.encoder.d_model)
        mel = self.features(audio)
        encoded, length = self.model.encoder(audio_signal=mel.T[None], length=torch.tensor([len(mel)]))
        return encoded[0, :, : int(length)].T

    def decode(self, encoded: torch.Tensor) -> tuple[list[int], list[int]]:
        """Tokens and the frames of their emission, by NeMo's batched greedy search."""
        if len(encoded) == 0:
            return [], []
        hypothesis = self.model.decoding.rnnt_decoder_predictions_tensor(
            encoded.T[None], torch.tensor([len(encoded)]), return_hypotheses=True
        )[0]
        return hypothesis.y_sequence.tolist(), [int(frame) for frame in hypothesis.timestamp]
