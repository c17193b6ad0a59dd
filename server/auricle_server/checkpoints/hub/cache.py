"""Repositories on the Hugging Face hub, and their checkpoints in the hub's local cache."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from auricle_server.checkpoints.formats import archives_in
from auricle_server.checkpoints.hub.short_names import SHORT_NAMES
from auricle_server.checkpoints.safetensors.config import is_complete

MAIN = "main"
_NAME = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w./-]+))?")
_HOSTS = frozenset(("huggingface.co", "www.huggingface.co", "hf.co"))


@dataclass(frozen=True, slots=True)
class Repository:
    """A model on the hub.

    Attributes:
        id: ``owner/model``.
        revision: Branch, tag or commit.
    """

    id: str
    revision: str = MAIN

    def __str__(self) -> str:
        return self.id if self.revision == MAIN else f"{self.id}@{self.revision}"


def parse(name: str) -> Repository | None:
    """The repository of ``owner/model``, of a short name, of either with ``@revision``, or of a page's address.

    None for other names.
    """
    if name.startswith(("https://", "http://")):
        return _of_address(name)
    short, at, revision = name.partition("@")
    match = _NAME.fullmatch(f"{SHORT_NAMES.get(short, short)}{at}{revision}")
    return Repository(match["id"], match["revision"] or MAIN) if match else None


def _of_address(address: str) -> Repository | None:
    """Pages are ``owner/model``, ``owner/model/tree/revision`` and ``owner/model/blob/revision/file``."""
    from huggingface_hub.constants import ENDPOINT

    parts = urlsplit(address)
    if parts.netloc not in _HOSTS | {urlsplit(ENDPOINT).netloc}:
        return None
    path = unquote(parts.path).strip("/").split("/")
    match = _NAME.fullmatch("/".join(path[:2]))
    if match is None or match["revision"]:
        return None
    revision = path[3] if len(path) > 3 and path[2] in ("tree", "blob", "resolve") else MAIN
    return Repository(match["id"], revision)


def cache_folder(repository: Repository) -> Path:
    """The repository's folder in the hub's cache."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    return Path(HF_HUB_CACHE) / repo_folder_name(repo_id=repository.id, repo_type="model")


def cached_commit(repository: Repository) -> str | None:
    """The cached commit of the repository's revision."""
    folder = cache_folder(repository)
    reference = folder / "refs" / repository.revision
    commit = reference.read_text().strip() if reference.is_file() else repository.revision
    return commit if (folder / "snapshots" / commit).is_dir() else None


def cached(repository: Repository) -> Path | None:
    """The cached checkpoint: a folder with complete safetensors, or else a ``.nemo`` file."""
    commit = cached_commit(repository)
    if commit is None:
        return None
    snapshot = cache_folder(repository) / "snapshots" / commit
    if is_complete(snapshot):
        return snapshot
    archives = [path for path in archives_in(snapshot) if path.is_file()]
    return archives[0] if archives else None
