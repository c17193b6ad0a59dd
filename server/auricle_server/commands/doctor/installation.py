"""Checks of the installation and the machine. A check yields findings and does not raise."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from auricle_server.commands.doctor.findings import CheckStatus, Finding

_OPEN_FILES_WANTED = 4096
_OPTIONAL_EXTRAS = {
    "turns": "turn detection by sound",
    "pipecat": "the Pipecat adapter and the demo",
    "livekit": "the LiveKit adapter and the demo",
    "nemo": "the parity tests and the demo model's recipe",
}


def check_python() -> Iterator[Finding]:
    """Checks the interpreter and the machine."""
    version = platform.python_version()
    where = f"{version} on {platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores"
    yield Finding("Python", CheckStatus.GOOD, where)


def check_packages() -> Iterator[Finding]:
    """Checks the distribution and the packages of its extras."""
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
    """Checks PyTorch, and lists the devices that `--device auto` chooses from."""
    try:
        from auricle_server.bench.report.machine import torch_devices, versions
    except ImportError as error:
        yield Finding("PyTorch", CheckStatus.BAD, str(error), "in a checkout of Auricle: pip install '.[server]'")
        return
    yield Finding("PyTorch", CheckStatus.GOOD, versions()["torch"])
    for device in torch_devices():
        yield Finding("device", CheckStatus.GOOD, device)


def check_port(host: str, port: int) -> Iterator[Finding]:
    """Checks whether a server could listen on the port, or already does."""
    subject = f"port {port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        yield Finding(
            subject, CheckStatus.BAD, f"{host}: {error.strerror}", "pass an address of this machine with --host"
        )
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
        return Finding(
            subject, CheckStatus.NOTE, f"an HTTP server answers on it, {state}", "choose another port with --port"
        )
    return Finding(
        subject,
        CheckStatus.BAD,
        f"{host}: {error.strerror}",
        "stop the program that uses it, or choose another port with --port",
    )


def _readiness(host: str, port: int) -> int | None:
    """HTTP status of ``/readyz``; None without an answer."""
    with contextlib.suppress(OSError, ValueError):
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/readyz", timeout=2) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
    return None


def check_open_files() -> Iterator[Finding]:
    """Checks the limit of open files: each stream is one socket. A server raises its soft limit by itself."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit != resource.RLIM_INFINITY and limit < _OPEN_FILES_WANTED:
        remedy = f"ulimit -Hn {_OPEN_FILES_WANTED}, or more, as an administrator; LimitNOFILE= for systemd"
        yield Finding("open files", CheckStatus.NOTE, f"{limit}: that many sockets at most", remedy)
    else:
        yield Finding("open files", CheckStatus.GOOD, "no limit" if limit == resource.RLIM_INFINITY else str(limit))


def check_audio() -> Iterator[Finding]:
    """Checks the audio formats that `auricle transcribe` can read."""
    try:
        import soundfile
        import soxr

        from auricle_server.audio_files.ffmpeg import installed_ffmpeg
    except (ImportError, OSError) as error:
        yield Finding("audio files", CheckStatus.BAD, str(error), "in a checkout of Auricle: pip install '.[server]'")
        return
    formats = [name.lower() for name in ("WAV", "FLAC", "OGG", "MP3") if name in soundfile.available_formats()]
    detail = f"{', '.join(formats)} (libsndfile {soundfile.__libsndfile_version__}, soxr {soxr.__version__})"
    others = "m4a, mp4, webm, amr, wma and others"
    more = f"{others} (ffmpeg)" if installed_ffmpeg() else f"{others} with ffmpeg, which is not installed"
    yield Finding("audio files", CheckStatus.GOOD, f"{detail}; {more}")


def check_turns() -> Iterator[Finding]:
    """Checks the evidence that turn detection uses in semantic mode."""
    subject = "turn ends"
    try:
        from auricle_server.voice.models import ModelsMissing, find_models, load_models
    except ImportError as error:
        yield Finding(subject, CheckStatus.BAD, f"cannot be checked: {error}", "see the lines above")
        return
    found = find_models()
    try:
        if found.signals:
            load_models(found)
    except ModelsMissing as damaged:
        yield Finding(subject, CheckStatus.BAD, str(damaged), "pip install --force-reinstall pipecat-ai onnxruntime")
        return
    signals = f"detected by {', '.join(('words', 'punctuation', *found.signals))}"
    if found.missing:
        yield Finding(
            subject, CheckStatus.NOTE, f"{signals}; {found.missing}", "in a checkout of Auricle: pip install '.[turns]'"
        )
    else:
        yield Finding(subject, CheckStatus.GOOD, signals)
