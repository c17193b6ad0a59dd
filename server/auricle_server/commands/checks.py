"""What `auricle doctor` looks at. Each check returns findings and never raises for what it may find."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

_OPEN_FILES_WANTED = 4096
_OPTIONAL_EXTRAS = {
    "turns": "turn ends judged by how a voice sounds",
    "pipecat": "the Pipecat adapter and the demo",
    "livekit": "the LiveKit adapter and the demo",
    "nemo": "the parity tests and the demo model's recipe",
}


class CheckStatus(Enum):
    """Whether something works, works only partly, or keeps a server from running."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        subject: What was looked at.
        verdict: How it is.
        detail: What is there, or what is missing.
        remedy: What to do; empty when there is nothing to do.
    """

    subject: str
    verdict: CheckStatus
    detail: str
    remedy: str = ""


def check_python() -> Iterator[Finding]:
    """The interpreter and the machine."""
    version = platform.python_version()
    where = f"{version} on {platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores"
    yield Finding("Python", CheckStatus.GOOD, where)


def check_packages() -> Iterator[Finding]:
    """The distribution and what its extras name."""
    yield Finding("auricle", CheckStatus.GOOD, metadata.version("auricle"))
    yield _extra("server", "the server", needed=True)
    for extra, purpose in _OPTIONAL_EXTRAS.items():
        yield _extra(extra, purpose, needed=False)


def _extra(extra: str, purpose: str, *, needed: bool) -> Finding:
    problems = [problem for each in _requirements(extra) if (problem := _problem(each))]
    subject = f"extra [{extra}]"
    if not problems:
        return Finding(subject, CheckStatus.GOOD, f"complete: {purpose}")
    remedy = f"in a checkout of Auricle: pip install '.[{extra}]'"
    return Finding(
        subject, CheckStatus.BAD if needed else CheckStatus.NOTE, f"{purpose}: {', '.join(problems)}", remedy
    )


def _requirements(extra: str) -> Iterator[Requirement]:
    for line in metadata.requires("auricle") or ():
        requirement = Requirement(line)
        if requirement.marker is not None and requirement.marker.evaluate({"extra": extra}):
            yield requirement


def _problem(requirement: Requirement) -> str | None:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    if not requirement.specifier.contains(version, prereleases=True):
        return f"{requirement.name} {version} is not {requirement.specifier}"
    return None


def check_torch() -> Iterator[Finding]:
    """PyTorch, and the device that `--device auto` takes."""
    try:
        import torch
    except ImportError as error:
        yield Finding("PyTorch", CheckStatus.BAD, str(error), "in a checkout of Auricle: pip install '.[server]'")
        return
    yield Finding("PyTorch", CheckStatus.GOOD, str(torch.__version__))
    if not torch.cuda.is_available():
        built = "this PyTorch is a CPU build" if torch.version.cuda is None else "no usable NVIDIA driver or GPU"
        yield Finding("device", CheckStatus.GOOD, f"cpu, {torch.get_num_threads()} threads ({built})")
        return
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        memory = properties.total_memory / 2**30
        yield Finding("device", CheckStatus.GOOD, f"cuda:{index}, {properties.name}, {memory:.0f} GiB")


def check_checkpoint(model: str) -> Iterator[Finding]:
    """Whether the model loads, and how long that takes."""
    try:
        from auricle_server.checkpoints import load_checkpoint
        from auricle_server.checkpoints.hub import cache
        from auricle_server.checkpoints.known_models import BUNDLED
    except ImportError as error:
        yield Finding("checkpoint", CheckStatus.BAD, f"cannot be looked at: {error}", "see the lines above")
        return
    repository = None if model in BUNDLED or Path(model).expanduser().exists() else cache.parse(model)
    if repository is not None and cache.cached(repository) is None:
        remedy = f"auricle pull {repository}"
        yield Finding(
            "checkpoint", CheckStatus.NOTE, f"{repository} is not here; a server would bring it first", remedy
        )
        return
    began = time.monotonic()
    try:
        load_checkpoint(model)
    except Exception as error:  # noqa: BLE001 - a report must go on, whatever a damaged file does to its loader
        yield Finding(
            "checkpoint", CheckStatus.BAD, f"{model}: {error}", "name another with --model, or fetch it again"
        )
    else:
        yield Finding("checkpoint", CheckStatus.GOOD, f"{model} loads in {time.monotonic() - began:.1f} s")


def check_port(host: str, port: int) -> Iterator[Finding]:
    """Whether a server could listen there, or already does."""
    subject = f"port {port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        yield Finding(subject, CheckStatus.BAD, f"{host}: {error.strerror}", "an address of this machine: --host")
        return
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            yield _taken(subject, host, port, error)
        else:
            yield Finding(subject, CheckStatus.GOOD, f"free on {host}")


def _taken(subject: str, host: str, port: int, error: OSError) -> Finding:
    if (status := _readiness(host, port)) is not None:
        state = "ready" if status == 200 else "not ready"
        return Finding(subject, CheckStatus.NOTE, f"an HTTP server answers there, {state}", "another port: --port")
    return Finding(subject, CheckStatus.BAD, f"{host}: {error.strerror}", "free it, or take another with --port")


def _readiness(host: str, port: int) -> int | None:
    """HTTP status of ``/readyz``, or None when nobody answers."""
    with contextlib.suppress(OSError, ValueError):
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/readyz", timeout=2) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
    return None


def check_open_files() -> Iterator[Finding]:
    """One stream is one socket."""
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit != resource.RLIM_INFINITY and limit < _OPEN_FILES_WANTED:
        remedy = f"ulimit -n {min(most, 65536) if most > 0 else 65536}"
        yield Finding("open files", CheckStatus.NOTE, f"{limit}: that many sockets at most", remedy)
    else:
        yield Finding("open files", CheckStatus.GOOD, str(limit))


def check_audio() -> Iterator[Finding]:
    """What `auricle transcribe` can read."""
    try:
        import soundfile
        import soxr
    except (ImportError, OSError) as error:
        yield Finding("audio files", CheckStatus.BAD, str(error), "in a checkout of Auricle: pip install '.[server]'")
        return
    formats = [name.lower() for name in ("WAV", "FLAC", "OGG", "MP3") if name in soundfile.available_formats()]
    detail = f"{', '.join(formats)} (libsndfile {soundfile.__libsndfile_version__}, soxr {soxr.__version__})"
    yield Finding("audio files", CheckStatus.GOOD, detail)


def check_turns() -> Iterator[Finding]:
    """What turn ends are judged by in semantic mode."""
    subject = "turn ends"
    try:
        from auricle_server.voice.models import ModelsMissing, find_models, load_models
    except ImportError as error:
        yield Finding(subject, CheckStatus.BAD, f"cannot be looked at: {error}", "see the lines above")
        return
    found = find_models()
    try:
        if found.signals:
            load_models(found)
    except ModelsMissing as damaged:
        yield Finding(subject, CheckStatus.BAD, str(damaged), "pip install --force-reinstall pipecat-ai onnxruntime")
        return
    judged = f"judged by {', '.join(('words', 'punctuation', *found.signals))}"
    if found.missing:
        yield Finding(
            subject, CheckStatus.NOTE, f"{judged}; {found.missing}", "in a checkout of Auricle: pip install '.[turns]'"
        )
    else:
        yield Finding(subject, CheckStatus.GOOD, judged)


def all_checks(model: str, host: str, port: int) -> Iterator[Finding]:
    """Every finding, in the order of the report, as soon as it is known."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        check_python,
        check_packages,
        check_torch,
        lambda: check_checkpoint(model),
        check_audio,
        check_turns,
        lambda: check_port(host, port),
        check_open_files,
    )
    for check in checks:
        yield from check()
