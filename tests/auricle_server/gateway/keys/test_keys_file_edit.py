"""Keys are added to a file and removed from it; what people wrote there stays."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from pathlib import Path

import pytest

from auricle_server.gateway.keys.api_key import ApiKey, digest_of
from auricle_server.gateway.keys.keys_file import KeysFileError, read_keys
from auricle_server.gateway.keys.keys_file_edit import add_key, revoke_key

NOW = dt.datetime(2026, 11, 30, 9, tzinfo=dt.UTC)
FULL = ApiKey(
    name="full",
    digest=digest_of("full"),
    max_streams=2,
    max_new_streams_per_minute=3,
    expires=dt.datetime(2027, 1, 31, 12, 30, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    allowed_origins=("https://a.example", "*"),
)


def plain(name: str) -> ApiKey:
    return ApiKey(name=name, digest=digest_of(name))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "keys.toml")


def test_what_was_added_is_read(path: str) -> None:
    for key in (FULL, plain("plain")):
        add_key(path, key, NOW)
    assert read_keys(path) == (FULL, plain("plain"))


def test_a_new_file_is_for_its_owner_alone(path: str) -> None:
    add_key(path, plain("one"), NOW)
    assert Path(path).stat().st_mode & 0o777 == 0o600


def test_comments_layout_mode_and_links_stay(path: str, tmp_path: Path) -> None:
    file = tmp_path / "real.toml"
    Path(path).symlink_to(file)
    before = f"# mine\n[[ key ]]  # first\nhash = \"sha256:{digest_of('one').hex()}\"\nname = 'one' # why"
    file.write_text(before)
    file.chmod(0o644)
    add_key(path, plain("two"), NOW)
    assert file.read_text().startswith(before + "\n\n[[key]]\n")
    assert (Path(path).is_symlink(), file.stat().st_mode & 0o777) == (True, 0o644)
    revoke_key(path, "two")
    assert file.read_text().rstrip("\n") == before
    revoke_key(path, "one")
    assert file.read_text() == "# mine\n"
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_name_is_given_once(path: str) -> None:
    add_key(path, plain("one"), NOW)
    with pytest.raises(KeysFileError, match="there is a key 'one' already"):
        add_key(path, ApiKey(name="one", digest=digest_of("other")), NOW)
    assert read_keys(path) == (plain("one"),)


def test_only_the_named_key_is_revoked(path: str) -> None:
    for name in ("a", "b", "c"):
        add_key(path, plain(name), NOW)
    revoke_key(path, "b")
    assert read_keys(path) == (plain("a"), plain("c"))
    with pytest.raises(KeysFileError, match="there is no key 'b'"):
        revoke_key(path, "b")


@pytest.mark.parametrize(
    "text",
    [
        f'key = [{{name = "one", hash = "sha256:{"a" * 64}"}}]\n',
        f'[["key"]]\nname = "one"\nhash = "sha256:{"a" * 64}"\n',
    ],
)
def test_a_layout_that_lines_do_not_show_is_left_alone(path: str, text: str) -> None:
    Path(path).write_text(text)
    with pytest.raises(KeysFileError, match="edit it by hand"):
        revoke_key(path, "one")
    assert Path(path).read_text() == text


def test_a_broken_file_is_left_alone(path: str) -> None:
    Path(path).write_text("[[key]\n")
    with pytest.raises(KeysFileError, match="not valid TOML"):
        add_key(path, plain("one"), NOW)
    with pytest.raises(KeysFileError, match="not valid TOML"):
        revoke_key(path, "one")
    assert Path(path).read_text() == "[[key]\n"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeysFileError, match="its folder: No such file"):
        add_key(str(tmp_path / "no" / "keys.toml"), plain("one"), NOW)


def _add_ten(path: str, prefix: str) -> None:
    for number in range(10):
        add_key(path, plain(f"{prefix}{number}"), NOW)


def test_commands_at_the_same_time_lose_nothing(path: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add_ten, args=(path, prefix)) for prefix in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert {key.name for key in read_keys(path)} == {f"{prefix}{n}" for prefix in "ab" for n in range(10)}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(path: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(KeysFileError, match="cannot be written: Permission denied"):
        add_key(path, plain("one"), NOW)
    tmp_path.chmod(0o700)
