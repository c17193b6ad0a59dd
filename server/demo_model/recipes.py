"""The recipes: languages, sizes of the network, and path of the archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from demo_model.network.model import Shape
from demo_model.prompts import PROMPT_OF, PROMPTS

FOLDER = Path(__file__).resolve().parent.parent / "auricle_server" / "checkpoints" / "demo"


@dataclass(frozen=True)
class Recipe:
    """One bundled model.

    Attributes:
        archive: Path of the exported model.
        shape: Sizes of the network.
        languages: Language codes of a multilingual model; empty for the English model.
        start_from: An archive whose encoder the training starts from.
        snapshot: A training so far, from which a new work folder goes on; a source distribution has none.
    """

    archive: Path
    shape: Shape = field(default_factory=Shape)
    languages: tuple[str, ...] = ()
    start_from: Path | None = None
    snapshot: Path | None = None


ENGLISH = Recipe(FOLDER / "demo_en.nemo")
NEURAL = Recipe(
    FOLDER / "demo_en.nemo",
    Shape(tokens=512, d_model=192, layers=8, predictor=160),
    snapshot=Path(__file__).resolve().parent / "snapshots" / "neural.pt",
)
"""The English model's successor: as large as 16 MB allow, for the text that neural voices speak."""
MULTILINGUAL = Recipe(
    FOLDER / "demo_multilingual.nemo",
    Shape(tokens=512, left=56, prompts=PROMPTS),
    tuple(PROMPT_OF),
    ENGLISH.archive,
)
RECIPES = {"english": ENGLISH, "neural": NEURAL, "multilingual": MULTILINGUAL}
