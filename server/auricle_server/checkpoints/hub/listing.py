"""What the hub says of a repository before anything is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from auricle_server.checkpoints.errors import CheckpointNotFound
from auricle_server.checkpoints.hub.cache import Repository, cached
from auricle_server.checkpoints.hub.transfer import RemoteFile


@dataclass(frozen=True, slots=True)
class RepositoryListing:
    """A repository at one revision.

    Attributes:
        commit: Of the revision.
        files: All its files.
        licence: As its card names it; empty where it names none.
    """

    commit: str
    files: list[RemoteFile]
    licence: str


def list_files(repository: Repository) -> RepositoryListing:
    """Asks the hub for the files of a repository.

    Raises:
        CheckpointNotFound: The repository or revision does not exist or is not accessible, or the hub does not
            answer.
    """
    from huggingface_hub import HfApi

    with explained(repository):
        info = HfApi().model_info(repository.id, revision=repository.revision, files_metadata=True)
    # A licence that the hub has no id for is "other", and has a name beside it.
    card = info.card_data
    licence = "" if card is None else str(card.get("license_name") or card.get("license") or "")
    return RepositoryListing(str(info.sha), [_file(entry) for entry in info.siblings or ()], licence)


def _file(entry: Any) -> RemoteFile:
    sha256 = entry.lfs.sha256 if entry.lfs else None
    return RemoteFile(entry.rfilename, int(entry.size or 0), sha256, entry.blob_id)


@contextmanager
def explained(repository: Repository) -> Iterator[None]:
    """Converts the hub's errors to those of this package."""
    # Every failure of the network is an `HTTPError` of the library that huggingface_hub talks HTTP with.
    from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is not listed as exported
        GatedRepoError,
        HTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except GatedRepoError as error:
        raise CheckpointNotFound(
            f"{repository} asks for a licence to be accepted: do so on its page, then run `hf auth login`"
        ) from error
    except RevisionNotFoundError as error:
        raise CheckpointNotFound(f"{repository.id} has no revision {repository.revision!r}") from error
    except RepositoryNotFoundError as error:
        raise CheckpointNotFound(
            f"{repository}: no such model on the hub (or a private one: `hf auth login`)"
        ) from error
    except (HTTPError, OSError) as error:
        raise CheckpointNotFound(_unreachable(repository, error)) from error


def _unreachable(repository: Repository, error: Exception) -> str:
    failed = f"the model hub cannot be reached ({type(error).__name__})"
    copy = cached(repository)
    if copy is not None:
        return f"{failed}; the copy of {repository} in the local cache is {copy}"
    return (
        f"{repository} is not in the local cache and {failed}. On a machine with network access run "
        f"`auricle pull {repository}`, copy the checkpoint here and give its path, or use the bundled model: "
        f"--model demo"
    )
