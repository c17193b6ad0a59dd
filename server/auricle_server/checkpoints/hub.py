"""Finds a checkpoint by its Hugging Face id, through `huggingface_hub` and its cache."""

from __future__ import annotations

import re
from pathlib import Path

from auricle_server.checkpoints.errors import CheckpointNotFound, UnsupportedModel

_REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def looks_like_repo_id(name: str) -> bool:
    """Whether `name` has the form ``owner/model``."""
    return _REPO_ID.fullmatch(name) is not None


def fetch(repo_id: str) -> Path:
    """Path of the repository's ``.nemo`` file in the local cache, downloaded when it is not there yet.

    A file that the cache holds is used without a look at the hub, so that a server starts as fast without a network as
    with one; ``hf download`` brings a newer one.

    Raises:
        CheckpointNotFound: No such repository, no permission, or the hub cannot be reached and the cache has no copy.
        UnsupportedModel: The repository has no ``.nemo`` file.
    """
    cached = _cached(repo_id)
    return cached if cached is not None else _download(repo_id)


def _cached(repo_id: str) -> Path | None:
    """The file that the cache's ``main`` revision of the repository holds."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return None
    files = [
        file.file_path
        for repo in repos
        if repo.repo_id == repo_id
        for revision in repo.revisions
        if "main" in revision.refs
        for file in revision.files
        if file.file_path.suffix == ".nemo"
    ]
    return min(files, default=None)


def _download(repo_id: str) -> Path:
    from huggingface_hub import HfApi, hf_hub_download

    # Every failure of the network is an `HTTPError` of the library that huggingface_hub talks HTTP with.
    from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is not listed as exported
        GatedRepoError,
        HTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    try:
        archives = sorted(name for name in HfApi().list_repo_files(repo_id) if name.endswith(".nemo"))
        if not archives:
            raise UnsupportedModel(f"{repo_id} has no .nemo file; Auricle loads NeMo checkpoints")
        return Path(hf_hub_download(repo_id, archives[0]))
    except GatedRepoError as error:
        raise CheckpointNotFound(
            f"{repo_id} asks for a licence to be accepted: do so on its page, then `hf auth login`"
        ) from error
    except RepositoryNotFoundError as error:
        raise CheckpointNotFound(f"{repo_id}: no such model on the hub (or a private one: `hf auth login`)") from error
    except (HTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointNotFound(_unreachable(repo_id, error)) from error


def _unreachable(repo_id: str, error: Exception) -> str:
    return (
        f"{repo_id} is not in the local cache and the model hub cannot be reached ({type(error).__name__}). "
        f"On a machine with network access run `hf download {repo_id}`, copy the .nemo file here and give its path, "
        f"or use the bundled model: --model demo"
    )
