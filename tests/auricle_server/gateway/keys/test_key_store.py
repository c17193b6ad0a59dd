"""Which keys are in force, whatever happens to the file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from auricle_server.config import ServerConfig
from auricle_server.gateway.errors import KeysUnreadable
from auricle_server.gateway.keys.api_key import ApiKey, digest_of
from auricle_server.gateway.keys.key_store import KeyStore
from auricle_server.gateway.keys.keys_file_edit import add_key, revoke_key

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)


@pytest.fixture
def path(tmp_path: Path) -> str:
    path = str(tmp_path / "keys.toml")
    add(path, "one")
    return path


def add(path: str, name: str, max_streams: int | None = None) -> None:
    add_key(path, ApiKey(name=name, digest=digest_of(f"secret {name}"), max_streams=max_streams), NOW)


def names(store: KeyStore, *secrets: str) -> list[str | None]:
    found = [store.find(secret) for secret in secrets]
    return [None if key is None else key.name for key in found]


def test_without_keys_none_is_required() -> None:
    assert not KeyStore(ServerConfig()).required


def test_configured_keys_have_names_by_their_order() -> None:
    store = KeyStore(ServerConfig(api_keys=("a", "zwölf")))
    assert store.required
    assert names(store, "zwölf", "a", "b", "", "\udcff") == ["api-key-2", "api-key-1", None, None, None]


def test_a_file_and_configured_keys_work_together(path: str) -> None:
    add(path, "two", max_streams=1)
    store = KeyStore(ServerConfig(api_keys=("a", "secret two"), keys_file=path))
    assert names(store, "a", "secret one") == ["api-key-1", "one"]
    limited = store.find("secret two")
    assert limited is not None
    assert (limited.name, limited.max_streams) == ("two", 1), "the limits in the file hold"


def test_a_file_without_keys_opens_to_nobody(path: str) -> None:
    revoke_key(path, "one")
    store = KeyStore(ServerConfig(keys_file=path))
    assert store.required
    assert names(store, "secret one") == [None]


def test_changes_are_taken_over(path: str) -> None:
    store = KeyStore(ServerConfig(keys_file=path))
    add(path, "two")
    store.reload_if_changed()
    assert names(store, "secret one", "secret two") == ["one", "two"]
    revoke_key(path, "one")
    store.reload_if_changed()
    assert names(store, "secret one", "secret two") == [None, "two"]


@pytest.mark.parametrize("broken", ["[[key]", None, '[[key]]\nname = "api-key-1"\nhash = "sha256:' + "0" * 64 + '"'])
def test_what_was_in_force_stays_while_the_file_is_broken(
    path: str, broken: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    store = KeyStore(ServerConfig(api_keys=("a",), keys_file=path))
    text = Path(path).read_text()
    if broken is None:
        Path(path).unlink()
    else:
        Path(path).write_text(broken)
    for _ in range(3):
        store.reload_if_changed()
    assert names(store, "secret one", "a") == ["one", "api-key-1"]
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1, "it says so once"
    assert errors[0].startswith("cannot reload keys; what was in force stays: keys file ")
    Path(path).write_text(text)
    add(path, "two")
    store.reload_if_changed()
    assert names(store, "secret two") == ["two"]


def test_a_store_that_never_read_its_file_does_not_say_that_a_key_is_wrong(path: str) -> None:
    text = Path(path).read_text()
    Path(path).write_text("[[key]")
    store = KeyStore(ServerConfig(api_keys=("a",), keys_file=path))
    assert names(store, "a") == ["api-key-1"]
    with pytest.raises(KeysUnreadable):
        store.find("secret one")
    Path(path).write_text(text)
    store.reload_if_changed()
    assert names(store, "secret one") == ["one"]
