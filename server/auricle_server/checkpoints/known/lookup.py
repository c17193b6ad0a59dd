"""Finds the profile of a model."""

from __future__ import annotations

from pathlib import Path

from auricle_server.checkpoints.hub.cache import MAIN, Repository, parse
from auricle_server.checkpoints.known.nemotron import NEMOTRON
from auricle_server.checkpoints.known.profiles import ModelProfile
from auricle_server.checkpoints.known.relatives import RELATIVES

PROFILES = (*NEMOTRON, *RELATIVES)
"""Every known revision of every known model."""
KNOWN_MODELS = tuple(profile for profile in PROFILES if profile.revision == MAIN)
"""Every known model once: its newest revision."""
_WEIGHTS = (".nemo", ".safetensors")


def profile_of(name: str, path: Path | None = None) -> ModelProfile | None:
    """The profile of the model that a user names; None for an unknown one.

    Args:
        name: A hub id, ``owner/model@revision``, the address of a page, or a path.
        path: The checkpoint on this machine: a file or a folder. A copy of a published file is recognised by the
            model's name in its path, or in that of its folder, together with its size. The name alone would also fit
            what somebody has fine-tuned; the size alone fits that as well.
    """
    repository = None if path is not None and Path(name).expanduser().exists() else parse(name)
    if repository is not None and (profile := repository_profile(repository)) is not None:
        return profile
    return None if path is None else _profile_of_copy(path)


def repository_profile(repository: Repository) -> ModelProfile | None:
    """The profile of a repository at its revision; for a revision without one, a commit for example, that of main."""
    of_model = {profile.revision: profile for profile in PROFILES if profile.id == repository.id}
    return of_model.get(repository.revision, of_model.get(MAIN))


def _profile_of_copy(path: Path) -> ModelProfile | None:
    # The last folders only: a hub's cache has the model's name three above the file.
    named = "/".join(path.absolute().parts[-5:])
    sizes = {(file.suffix.lower(), file.stat().st_size) for file in _weight_files(path)}
    for profile in KNOWN_MODELS:
        same = any((file.suffix, file.size) in sizes for file in profile.files)
        if same and profile.id.partition("/")[2] in named:
            return profile
    return None


def _weight_files(path: Path) -> list[Path]:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in files if file.suffix.lower() in _WEIGHTS and file.is_file()]
