"""The two recipes: what is learned, how large the network is, and where its archive lies."""

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
        archive: Where it goes.
        shape: Sizes of the network.
        languages: Codes of a multilingual model; none for the English one.
        start_from: An archive whose encoder the training goes on from.
    """

    archive: Path
    shape: Shape = field(default_factory=Shape)
    languages: tuple[str, ...] = ()
    start_from: Path | None = None


ENGLISH = Recipe(FOLDER / "demo_en.nemo")
MULTILINGUAL = Recipe(
    FOLDER / "demo_multilingual.nemo",
    Shape(tokens=512, left=56, prompts=PROMPTS),
    tuple(PROMPT_OF),
    ENGLISH.archive,
)
RECIPES = {"english": ENGLISH, "multilingual": MULTILINGUAL}
