"""Checks of the model, before and after a download. A check yields findings and does not raise."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from auricle_server.checkpoints.errors import CheckpointError
from auricle_server.checkpoints.hub import cache
from auricle_server.checkpoints.known.bundled import BUNDLED
from auricle_server.checkpoints.known.facts import stored_config
from auricle_server.checkpoints.known.lookup import profile_of, repository_profile
from auricle_server.checkpoints.known.profiles import ModelProfile
from auricle_server.checkpoints.progress import Report, silent
from auricle_server.commands.doctor.findings import CheckStatus, Finding
from auricle_server.commands.doctor.published import ARCHITECTURES

if TYPE_CHECKING:
    from auricle_server.checkpoints.config import ModelConfig


def missing_repository(model: str) -> cache.Repository | None:
    """The repository of a model that a server would have to download; None for one that is here, or is nowhere."""
    if model in BUNDLED or Path(model).expanduser().exists():
        return None
    repository = cache.parse(model)
    return repository if repository is not None and cache.cached(repository) is None else None


def check_checkpoint(model: str, report: Report = silent) -> Iterator[Finding]:
    """Checks whether the model loads, and how long that takes; of one that is not here, what a download means."""
    try:
        from auricle_server.checkpoints import load_checkpoint
    except ImportError as error:
        yield Finding("checkpoint", CheckStatus.BAD, f"cannot be checked: {error}", "see the lines above")
        return
    repository = missing_repository(model)
    if repository is not None:
        yield from _check_download(repository)
        return
    began = time.monotonic()
    try:
        load_checkpoint(model, report)
    except Exception as error:  # noqa: BLE001 - a damaged file may raise anything, and the report continues
        yield Finding(
            "checkpoint",
            CheckStatus.BAD,
            f"{model}: {error}",
            "choose another model with --model, or download it again",
        )
    else:
        yield Finding("checkpoint", CheckStatus.GOOD, f"{model} loads in {time.monotonic() - began:.1f} s")


def _check_download(repository: cache.Repository) -> Iterator[Finding]:
    from auricle_server.checkpoints.hub.download import choose
    from auricle_server.checkpoints.hub.listing import list_files

    profile, remedy = repository_profile(repository), f"auricle pull {repository}"
    try:
        listing = list_files(repository)
        files = choose(repository, listing.files, None)
    except CheckpointError as error:
        yield _unlisted(repository, profile, str(error))
        size = profile.files[-1].size if profile is not None and profile.files else 0
    else:
        size = sum(file.size for file in files)
        licence = profile.licence if profile is not None else listing.licence or "no licence named"
        detail = (
            f"{repository} is not on this machine: a server downloads {_gigabytes(size)} at start-up "
            f"({_formats(file.name for file in files)}; commit {listing.commit[:8]}; {licence})"
        )
        yield Finding("checkpoint", CheckStatus.NOTE, detail, remedy)
    if size:
        yield _check_disk(size)


def _unlisted(repository: cache.Repository, profile: ModelProfile | None, why: str) -> Finding:
    """A repository that the hub does not describe now."""
    if profile is None:
        return Finding("checkpoint", CheckStatus.NOTE, f"{repository} is not on this machine: {why}")
    files = " or ".join(f"{file.suffix} of {_gigabytes(file.size)}" for file in reversed(profile.files))
    version = f" ({profile.version})" if profile.version else ""
    described = "; ".join(filter(None, (files, f"branch {profile.revision}{version}", profile.licence)))
    return Finding(
        "checkpoint",
        CheckStatus.NOTE,
        f"{repository} is not on this machine: {described}. {why}",
    )


def _formats(names: Iterator[str]) -> str:
    return ".nemo" if any(name.endswith(".nemo") for name in names) else "safetensors"


def _check_disk(size: int) -> Finding:
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = Path(HF_HUB_CACHE)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{_gigabytes(free)} free for the cache {folder}, {_gigabytes(size)} needed"
    if free < size:
        return Finding("disk", CheckStatus.BAD, detail, "free some space, or set HF_HOME to another folder")
    return Finding("disk", CheckStatus.GOOD, detail)


def check_memory(model: str) -> Iterator[Finding]:
    """Checks whether the device has memory for the model, and for how many streams."""
    try:
        from auricle_server.engine.memory_fit import memory_fit
    except ImportError as error:
        yield Finding("memory", CheckStatus.BAD, f"cannot be checked: {error}", "see the lines above")
        return
    config = _config(model)
    if config is None:
        return  # unknown until it is here; another finding says why
    fit = memory_fit(config)
    detail = (
        f"{_gigabytes(fit.need.weights)} for the weights in {fit.precision} and {fit.need.stream / 1e6:.1f} MB for "
        f"each stream, {_gigabytes(fit.free)} free on {fit.device}"
    )
    if fit.streams < 1:
        remedy = "free some memory, or choose a smaller model"
        yield Finding("memory", CheckStatus.BAD, f"{detail}: too little", remedy)
    else:
        holds = f"holds {fit.streams} streams; `auricle bench` measures how many this machine is fast enough for"
        yield Finding("memory", CheckStatus.GOOD, f"{detail}: {holds}")


def _config(model: str) -> ModelConfig | None:
    """The configuration of a model; None where it is not known without a download, or cannot be read."""
    from auricle_server.bench.models.shapes import SHAPES
    from auricle_server.checkpoints.load import locate

    repository = missing_repository(model)
    if repository is not None:
        return SHAPES.get(ARCHITECTURES.get(repository.id, ""))
    try:
        return stored_config(locate(model))
    except CheckpointError:
        return None  # `check_checkpoint` says why


def check_profile(model: str) -> Iterator[Finding]:
    """What is known of a published model: settings, cures that are on, and what people report."""
    repository = missing_repository(model)
    path = None if repository is not None or model in BUNDLED else _path(model)
    profile = profile_of(model, path)
    if profile is None:
        return
    latencies = f"{', '.join(map(str, profile.latencies_ms))} ms, {profile.default_latency_ms} by default"
    yield Finding("latencies", CheckStatus.GOOD, latencies, "; ".join(profile.advice))
    if profile.languages_to_adapt:
        yield Finding(
            "languages", CheckStatus.NOTE, f"need fine-tuning first: {' '.join(sorted(profile.languages_to_adapt))}"
        )
    for ill in profile.ills:
        yield Finding("known ill", CheckStatus.NOTE, f"{ill.sentence} ({ill.reports})", ill.cure)
    if profile.ills:
        yield _cures(profile)


def _cures(profile: ModelProfile) -> Finding:
    from auricle_server.voice.models import find_models

    detail = f"on by default: {profile.cures}; --cures of `auricle serve` changes them"
    found = find_models()
    if profile.cures.use_voice and not found.signals:
        detail = f"{detail}; watch and hold-back do nothing without voice detection: {found.missing}"
        return Finding("cures", CheckStatus.NOTE, detail, "in a checkout of Auricle: pip install '.[turns]'")
    return Finding("cures", CheckStatus.GOOD, detail)


def _path(model: str) -> Path | None:
    path = Path(model).expanduser()
    if path.exists():
        return path
    repository = cache.parse(model)
    return None if repository is None else cache.cached(repository)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"
