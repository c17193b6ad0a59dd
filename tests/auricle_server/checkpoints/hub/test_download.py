"""Which files of a repository are downloaded, and where in the hub's cache they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants, try_to_load_from_cache

from auricle_server.checkpoints.errors import CheckpointNotFound, UnsupportedModel
from auricle_server.checkpoints.hub.cache import Repository, cached
from auricle_server.checkpoints.hub.download import FileFormat, choose, download, fetch
from auricle_server.checkpoints.hub.transfer import RemoteFile
from tests.support.hub import COMMIT, Hub, serving

REPOSITORY = Repository("acme/model")
SHARDS = ("config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
SAFETENSORS = (*SHARDS, "model.safetensors.index.json", "processor_config.json", "tokenizer.json")
OTHERS = ("README.md", "pytorch_model.bin", "model-card.png", "optimizer.safetensors")
PATHS = "/{repo_id}/resolve/{revision}/{filename}"
FILES = {"b.nemo": b"b" * 20_000, "README.md": b"a card"}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on loopback, and an empty cache."""
    with serving(Hub(REPOSITORY.id, dict(FILES))) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{hub.address}{PATHS}")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        yield hub


def chosen(names: tuple[str, ...], wanted: FileFormat | None = None) -> list[str]:
    return [file.name for file in choose(REPOSITORY, [RemoteFile(name, 1, None, "0") for name in names], wanted)]


# --- the choice ------------------------------------------------------------------------------------------------------


def test_safetensors_precede_a_nemo_file_and_a_format_may_be_wanted() -> None:
    both = (*OTHERS, *SAFETENSORS, "a.nemo")
    assert chosen(both) == chosen(both, FileFormat.SAFETENSORS) == list(SAFETENSORS)
    assert chosen(both, FileFormat.NEMO) == ["a.nemo"]
    assert chosen((*OTHERS, *SAFETENSORS)) == list(SAFETENSORS)


def test_the_configuration_comes_first() -> None:
    assert chosen(tuple(reversed(SAFETENSORS)))[0] == "config.json"


@pytest.mark.parametrize("missing", ["config.json", "processor_config.json", "tokenizer.json"])
def test_incomplete_safetensors_give_way_to_a_nemo_file(missing: str) -> None:
    assert chosen((*(name for name in SAFETENSORS if name != missing), "a.nemo")) == ["a.nemo"]


def test_of_several_nemo_files_the_first_is_taken_and_a_warning_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert chosen(("b.nemo", "a.nemo")) == ["a.nemo"]
    assert "has 2 .nemo files; the first is taken: a.nemo" in caplog.text


@pytest.mark.parametrize(
    ("names", "wanted", "said"),
    [
        (OTHERS, None, r"acme/model has no \.nemo file and no model\.safetensors"),
        (SHARDS, None, r"no \.nemo file and no model\.safetensors"),
        (SAFETENSORS, FileFormat.NEMO, r"has no \.nemo file;"),
        (("a.nemo",), FileFormat.SAFETENSORS, r"has no model\.safetensors;"),
    ],
)
def test_a_repository_without_a_checkpoint_is_refused(
    names: tuple[str, ...], wanted: FileFormat | None, said: str
) -> None:
    with pytest.raises(UnsupportedModel, match=f"{said}.*auricle models"):
        chosen(names, wanted)


# --- the cache -------------------------------------------------------------------------------------------------------


def test_a_download_is_where_the_hubs_own_library_looks(hub: Hub, tmp_path: Path) -> None:
    found = download(REPOSITORY)
    assert (found.commit, found.size, found.downloaded) == (COMMIT, 20_000, ("b.nemo",))
    assert found.path.read_bytes() == FILES["b.nemo"]
    assert try_to_load_from_cache(REPOSITORY.id, "b.nemo", cache_dir=tmp_path) == str(found.path)
    assert cached(REPOSITORY) == found.path


def test_the_next_download_compares_and_sends_nothing(hub: Hub) -> None:
    first, second = download(REPOSITORY), download(REPOSITORY)
    assert (second.path, second.downloaded) == (first.path, ())
    assert len(hub.downloads) == 1


def test_a_copy_that_was_damaged_is_downloaded_again(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    path = download(REPOSITORY).path
    path.write_bytes(b"!" * 20_000)
    assert download(REPOSITORY).downloaded == ("b.nemo",)
    assert path.read_bytes() == FILES["b.nemo"]
    assert "b.nemo in the cache is damaged" in caplog.text


def test_a_cached_checkpoint_is_used_without_a_request(hub: Hub) -> None:
    path = fetch(REPOSITORY)
    before = len(hub.requests)
    assert fetch(REPOSITORY) == path
    assert len(hub.requests) == before


@pytest.mark.parametrize("config", [b'{"model_type": "ctc"}', b"not JSON"])
def test_safetensors_of_another_class_give_way_to_a_nemo_file(hub: Hub, config: bytes) -> None:
    """NVIDIA publishes CTC alone as safetensors beside the ``.nemo`` files of hybrid models."""
    hub.files = {**FILES, **{name: name.encode() for name in SAFETENSORS}, "config.json": config}
    found = download(REPOSITORY)
    assert (found.path.name, found.downloaded, found.size) == ("b.nemo", ("b.nemo",), 20_000)
    assert cached(REPOSITORY) == found.path
    assert len(hub.downloads) == 2  # the small configuration was looked at
    hub.files["config.json"] = b'{"model_type": "nemotron_asr_streaming"}'
    assert set(download(REPOSITORY).downloaded) == set(SAFETENSORS)


def test_safetensors_are_a_folder(hub: Hub) -> None:
    hub.files = {name: name.encode() for name in (*OTHERS, *SAFETENSORS)}
    found = download(REPOSITORY)
    assert sorted(path.name for path in found.path.iterdir()) == sorted(SAFETENSORS)
    assert found.downloaded == SAFETENSORS


# --- what the hub refuses --------------------------------------------------------------------------------------------


def test_what_the_hub_refuses_is_explained(hub: Hub) -> None:
    with pytest.raises(CheckpointNotFound, match="acme/other: no such model on the hub"):
        download(Repository("acme/other"))
    with pytest.raises(CheckpointNotFound, match="acme/model has no revision 'v9'"):
        download(Repository("acme/model", "v9"))
    hub.gated = True
    with pytest.raises(CheckpointNotFound, match=r"asks for a licence to be accepted.*hf auth login"):
        download(REPOSITORY)


def test_without_the_hub_a_message_names_the_copy_or_how_to_get_one(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = download(REPOSITORY).path
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CheckpointNotFound, match="cannot be reached") as refused:
        download(REPOSITORY)
    assert str(path) in str(refused.value)
    with pytest.raises(CheckpointNotFound, match=r"not in the local cache.*auricle pull acme/other.*--model demo"):
        fetch(Repository("acme/other"))
