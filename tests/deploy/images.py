"""The instructions of the images' Dockerfiles."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from tests.deploy.programs import ROOT

KINDS = ("cpu", "cuda")


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines joined.

    Attributes:
        stage: Number of its stage, from 0.
        name: COPY, RUN, ...
        text: What follows the name.
    """

    stage: int
    name: str
    text: str


def instructions(kind: str) -> list[Instruction]:
    """All instructions of an image."""
    text = (ROOT / "docker" / f"{kind}.Dockerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ").splitlines()
    found, stage = list[Instruction](), -1
    for line in filter(None, map(str.strip, lines)):
        name, _, rest = line.partition(" ")
        stage += name == "FROM"
        found.append(Instruction(stage, name, " ".join(rest.split())))
    return found


def final(kind: str, name: str) -> list[str]:
    """What the last stage says with these instructions."""
    every = instructions(kind)
    return [each.text for each in every if each.stage == every[-1].stage and each.name == name]


def variables(kind: str) -> dict[str, str]:
    """The environment of a container."""
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(final(kind, "ENV"))))


def words(kind: str) -> list[str]:
    """The command of a container without arguments: entry point and defaults."""
    [entry], [command] = final(kind, "ENTRYPOINT"), final(kind, "CMD")
    return [*json.loads(entry), *json.loads(command)]
