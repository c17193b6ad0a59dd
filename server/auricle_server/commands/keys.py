"""`auricle keys`: adds, lists and revokes the keys in a keys file."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from auricle_server.commands.console import fail, notes
from auricle_server.gateway.keys.api_key import ApiKey, digest_of, generate_secret
from auricle_server.gateway.keys.keys_file import KeysFileError, read_keys
from auricle_server.gateway.keys.keys_file_edit import add_key, revoke_key

keys = typer.Typer(
    name="keys",
    help="Add, list and revoke the API keys in a keys file. A running server takes changes over within seconds.",
    no_args_is_help=True,
)

KeysFile = Annotated[
    str,
    typer.Option("--keys-file", envvar="AURICLE_KEYS_FILE", help="The keys file. Default: keys.toml."),
]
Name = Annotated[str, typer.Argument(help="Name of the key: letters, digits, dots, hyphens and underscores.")]


@keys.command()
def add(
    name: Name,
    keys_file: KeysFile = "keys.toml",
    max_streams: Annotated[int | None, typer.Option(help="Streams at once. Default: any number.")] = None,
    max_new_streams_per_minute: Annotated[
        int | None, typer.Option(help="Streams opened within a minute. Default: any number.")
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(help="When the key expires, such as 2027-01-31 or 2027-01-31T12:00:00Z. Default: never."),
    ] = None,
    allowed_origins: Annotated[
        list[str] | None,
        typer.Option("--allow-origin", help="Origin of web pages that may use the key. Repeat the option for several."),
    ] = None,
) -> None:
    """Make a new key and print it.

    The file holds a hash, so the key is shown this once only.
    """
    secret = generate_secret()
    try:
        key = ApiKey(
            name=name,
            digest=digest_of(secret),
            max_streams=max_streams,
            max_new_streams_per_minute=max_new_streams_per_minute,
            expires=None if expires is None else _time(expires),
            allowed_origins=tuple(allowed_origins) if allowed_origins else None,
        )
    except ValueError as error:
        fail(str(error))
        raise typer.Exit(2) from error
    try:
        add_key(keys_file, key, dt.datetime.now(dt.UTC))
    except KeysFileError as error:
        fail(str(error))
        raise typer.Exit(1) from error
    notes.print(f"added {name} to {keys_file}; this is the key, which is not shown again:", markup=False)
    typer.echo(secret)


@keys.command(name="list")
def list_keys(
    keys_file: KeysFile = "keys.toml",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the keys with their limits."""
    try:
        found = read_keys(keys_file)
    except KeysFileError as error:
        fail(str(error))
        raise typer.Exit(1) from error
    now = dt.datetime.now(dt.UTC)
    if as_json:
        typer.echo(json.dumps([_fields(key, now) for key in found], indent=2))
    else:
        _print(found, now)


@keys.command()
def revoke(name: Name, keys_file: KeysFile = "keys.toml") -> None:
    """Remove a key: it opens no more streams.

    Streams that the key has open go on until they end.
    """
    try:
        revoke_key(keys_file, name)
    except KeysFileError as error:
        fail(str(error))
        raise typer.Exit(1) from error
    notes.print(f"revoked {name}", markup=False)


def _time(text: str) -> dt.datetime:
    """A point in time: one without an offset is in UTC, and a date means its first moment."""
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"expires: expected a time like 2027-01-31T12:00:00Z, got {text!r}") from error
    return time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)


def _fields(key: ApiKey, now: dt.datetime) -> dict[str, object]:
    return {
        "name": key.name,
        "max_streams": key.max_streams,
        "max_new_streams_per_minute": key.max_new_streams_per_minute,
        "expires": None if key.expires is None else key.expires.isoformat(),
        "expired": key.expired(now),
        "allowed_origins": None if key.allowed_origins is None else list(key.allowed_origins),
    }


def _print(found: tuple[ApiKey, ...], now: dt.datetime) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("name", "streams", "new a minute", "expires", "origins"):
        table.add_column(column, overflow="fold")
    for key in found:
        expires = "never" if key.expires is None else f"{key.expires:%Y-%m-%d %H:%M %Z}"
        table.add_row(
            key.name,
            _number(key.max_streams),
            _number(key.max_new_streams_per_minute),
            f"[red]{expires} (expired)[/]" if key.expired(now) else expires,
            "the server's" if key.allowed_origins is None else ", ".join(key.allowed_origins) or "none",
        )
    Console(highlight=False).print(table)


def _number(limit: int | None) -> str:
    return "any number" if limit is None else str(limit)
