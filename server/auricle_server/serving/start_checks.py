"""What a server looks at before it starts a process: a mistake is told at once, and not after a process's imports."""

from __future__ import annotations

import logging
from pathlib import Path

from auricle_server.checkpoints.errors import BadCheckpoint, CheckpointError
from auricle_server.checkpoints.known.facts import stored_config
from auricle_server.config import ConfigError, ServerConfig
from auricle_server.gateway.http.riva.libraries import check_riva
from auricle_server.gateway.http.tls import certificate_of
from auricle_server.gateway.keys.policy import log_access
from auricle_server.served_models import served_models
from auricle_server.serving.port import reserve_port
from auricle_server.telemetry.tracing import TracesUnavailable, check_traces
from auricle_server.voice.models import ModelsMissing, find_wanted

log = logging.getLogger(__name__)

_GZIP = b"\x1f\x8b"


def can_start(config: ServerConfig) -> bool:
    """Whether a server could run with this configuration, as far as that is quick to say; the log has why not."""
    source = config.model
    try:
        find_wanted(config.turn_models)
        check_traces(config.telemetry)
        certificate_of(config)
        if config.riva_port is not None:
            _check_riva(config.host, config.riva_port)
        log_access(config)
        for model in served_models(config):
            source = model.source
            _check_model(Path(source))
    except ModelsMissing as missing:
        log.error("cannot start turn_models=%s: %s", config.turn_models, missing)
        return False
    except (ConfigError, TracesUnavailable) as error:
        log.error("cannot start: %s", error)
        return False
    except CheckpointError as error:
        log.error("cannot start model=%s: %s", source, error)
        return False
    return True


def _check_riva(host: str, port: int) -> None:
    """Looks whether gateways could listen for clients of Riva.

    Raises:
        ConfigError: They could not.
    """
    check_riva()
    try:
        reserve_port(host, port).close()
    except OSError as error:
        raise ConfigError(f"riva_port: cannot listen at {host}:{port}: {error.strerror}") from error


def _check_model(path: Path) -> None:
    """Reads the configuration of a checkpoint that is a file or a folder.

    Raises:
        CheckpointError: It is none of a model that Auricle runs.
    """
    # What is no path is a name, which the worker looks up. In a gzipped archive the configuration may lie behind
    # gigabytes.
    if path.is_dir() or (path.is_file() and not _is_gzipped(path)):
        stored_config(path)


def _is_gzipped(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_GZIP)) == _GZIP
    except OSError as error:
        raise BadCheckpoint(f"{path}: cannot be read: {error.strerror}") from error
