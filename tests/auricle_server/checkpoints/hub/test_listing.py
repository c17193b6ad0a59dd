"""What the hub says of a repository before a download. How it refuses is tested with downloads."""

from __future__ import annotations

import pytest
from huggingface_hub import constants

from auricle_server.checkpoints.errors import CheckpointNotFound
from auricle_server.checkpoints.hub.cache import Repository
from auricle_server.checkpoints.hub.listing import list_files
from tests.support.hub import COMMIT, Hub, serving


def test_files_commit_and_licence_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Hub("acme/model", {"b.nemo": b"b" * 20_000, "README.md": b"a card"})) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        found = list_files(Repository("acme/model"))
        assert (found.commit, found.licence) == (COMMIT, "a-licence")
        assert {file.name: file.size for file in found.files} == {"b.nemo": 20_000, "README.md": 6}
        assert hub.downloads == []
        with pytest.raises(CheckpointNotFound, match="acme/model has no revision 'v2'"):
            list_files(Repository("acme/model", "v2"))
