"""Finds a checkpoint by its Hugging Face id, through `huggingface_hub` and its cache."""

from __future__ import annotations

import re
from pathlib import Path

from auricle_server.checkpoints.errors import CheckpointNotFound, UnsupportedModel

_REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def looks_like_repo_id(name: str) -> bool:
    """Whether `name` has the form ``owner/model``."""
    return _REPO_ID.fullmatch(name) is not None


def fetch(repo_id: str, revision: str | None = None) -> Path:
    """Path of the repository's ``.nemo`` file in the local cache, downloaded when it is not there yet.

    Raises:
        CheckpointNotFound: No such repository, no permission, or the hub cannot be reached and the cache has no copy.
        UnsupportedModel: The repository has no ``.nemo`` file.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        return Path(hf_hub_download(repo_id, _nemo_file(repo_id, revision), revision=revision))
    except GatedRepoError as error:
        raise CheckpointNotFound(
            f"{repo_id} asks for a licence to be accepted: do so on its page, then `hf auth login`"
        ) from error
    except RepositoryNotFoundError as error:
        raise CheckpointNotFound(f"{repo_id}: no such model on the hub (or a private one: `hf auth login`)") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointNotFound(_unreachable(repo_id, error)) from error


def _nemo_file(repo_id: str, revision: str | None) -> str:
    """Name of the repository's one ``.nemo`` file; from the local cache when the hub cannot be reached."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    try:
        files = HfApi().list_repo_files(repo_id, revision=revision)
    except RepositoryNotFoundError:
        raise
    except (HfHubHTTPError, OSError) as error:
        files = _cached_files(repo_id)
        if not files:
            raise CheckpointNotFound(_unreachable(repo_id, error)) from error
    archives = sorted(name for name in files if name.endswith(".nemo"))
    if not archives:
        raise UnsupportedModel(f"{repo_id} has no .nemo file; Auricle loads NeMo checkpoints")
    return archives[0]


def _cached_files(repo_id: str) -> list[str]:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return []
    return [
        str(file.file_path.relative_to(revision.snapshot_path))
        for repo in repos
        if repo.repo_id == repo_id
        for revision in repo.revisions
        for file in revision.files
    ]


def _unreachable(repo_id: str, error: Exception) -> str:
    return (
        f"{repo_id} is not in the local cache and the model hub cannot be reached ({type(error).__name__}). "
        f"On a machine with network access run `hf download {repo_id}`, copy the .nemo file here and give its path, "
        f"or use the bundled model: --model demo"
    )
