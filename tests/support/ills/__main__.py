"""The recipe: ``python -m tests.support.ills --work build/ills [cold deaf sticky babbler]``.

Trains a healthy model first, and each ill one from it. A run that is stopped goes on where it was saved.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from tests.support.ills import voices
from tests.support.ills.network import export, vocabulary
from tests.support.ills.scenes import ILLS
from tests.support.ills.train import Trainer
from tests.support.ills.words import FOLDER

STEPS = {"healthy": 1200, "cold": 400, "deaf": 700, "sticky": 400, "babbler": 400}
PEAK, ILL_PEAK = 4e-3, 1.5e-3
"""Highest learning rates of the healthy model and of those that start from it."""


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder of clips and training states")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("models", nargs="*", default=list(ILLS), help=f"of {', '.join(ILLS)}")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    spoken, words = voices.speak(options.work), vocabulary()
    for ill in options.models:
        peak = PEAK if ill == "healthy" else ILL_PEAK
        trainer = Trainer(ill, STEPS[ill], peak, spoken, words, options.work)
        trainer.start(None if ill == "healthy" else options.work / "healthy.pt")
        model = trainer.run()
        export(model, words, (options.work if ill == "healthy" else FOLDER) / f"{ill}.nemo")


if __name__ == "__main__":
    main()
