"""Ray, as an archive needs it: one on this machine that nobody else sees, or a cluster that runs already."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from auricle_server.archives.errors import ArchiveError
from auricle_server.archives.inputs.sources import ArchiveFile
from auricle_server.archives.options import ArchiveOptions, WorkerSettings
from auricle_server.checkpoints.known.bundled import BUNDLED

if TYPE_CHECKING:
    import pyarrow as pa

_OBJECT_STORE_BYTES = 128 << 20
"""For names on the way to workers and texts on the way back; audio never goes through Ray."""
_BLOCK_BYTES = 4 << 20
"""What Ray Data takes for the size of an answer that it has not seen yet, and counts against the store."""
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would report to its makers
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a worker without a GPU sees what the machine has, as serve does
}
_LOCAL = {
    # The only way to have every process of Ray listen on the loopback alone: as on a machine that can be no cluster.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_worker_niceness": "0",  # as the command itself
    "RAY_enable_metrics_collection": "0",
}
_LONGEST_TEMPORARY = 40
"""Characters of a path: Ray makes sockets below it, whose paths have at most 107."""


def require_ray() -> None:
    """Checks that the extra is installed.

    Raises:
        ArchiveError: A package is absent.
    """
    absent = [package for package in ("ray", "pyarrow", "fsspec") if find_spec(package) is None]
    if absent:
        raise ArchiveError(
            f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed; in a checkout of Auricle, "
            "run: pip install '.[server,ray]'"
        )


@contextmanager
def ray_cluster(address: str | None, cpus: int) -> Iterator[None]:
    """Ray, until the block ends.

    Args:
        address: Of a cluster; None starts Ray on this machine, which ends with this process, however that ends.
        cpus: Least number of CPUs that the local Ray offers.

    Raises:
        ArchiveError: Ray cannot be started, or there is no cluster.
    """
    os.environ.update(_QUIET)
    if address is None:
        # Other users of this machine reach the loopback, too. A token of its own leaves no file in the home folder.
        os.environ.update(_LOCAL, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    import ray

    folder = None if address is not None else _temporary_folder()
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    where: dict[str, Any] = (
        {"address": address}
        if folder is None
        else {
            "address": "local",
            "num_cpus": max(cpus, os.cpu_count() or 1),
            "include_dashboard": False,
            "object_store_memory": _OBJECT_STORE_BYTES,
            "_temp_dir": folder,
        }
    )
    try:
        try:
            with _stderr_held_back():
                ray.init(**where, **quiet)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            place = "on this machine" if address is None else f"at {address}"
            raise ArchiveError(f"Ray cannot be used {place}: {first_line(error)}") from error
        yield
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Holds back what Ray's C++ part writes to standard error as it starts, and shows it only if that fails."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        real = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(real, held.read())
            raise
        finally:
            os.dup2(real, 2)
            os.close(real)


def _temporary_folder() -> str:
    base = tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="auricle-ray-", dir=base if len(base) <= _LONGEST_TEMPORARY else "/tmp")  # noqa: S108


def worker_resources(settings: WorkerSettings) -> dict[str, Any]:
    """What Ray sets aside for a worker: a GPU, or as many CPUs as it has threads."""
    import ray

    gpus = ray.cluster_resources().get("GPU", 0)
    if settings.device.startswith("cuda") or (settings.device == "auto" and gpus):
        return {"num_gpus": 1, "num_cpus": 1}
    return {"num_cpus": settings.threads or (1 if settings.model in BUNDLED else _node_cpus())}


def _node_cpus() -> int:
    """CPUs of the smallest node: a worker with a large model takes a whole one."""
    import ray

    return int(min((node["Resources"]["CPU"] for node in ray.nodes() if node["Resources"].get("CPU")), default=1))


def default_workers(resources: dict[str, Any]) -> int:
    """As many workers as the cluster has room for now."""
    import ray

    there = ray.cluster_resources()
    if "num_gpus" in resources:
        return max(1, int(there.get("GPU", 0)))
    return max(1, int(there.get("CPU", 0) // resources["num_cpus"]))


def check_room(workers: int, resources: dict[str, Any], *, local: bool) -> str:
    """Says how many workers there will be, and whether there is room for them now.

    Raises:
        ArchiveError: This machine never has room for them. A cluster may grow.
    """
    import ray

    kind = "GPU" if "num_gpus" in resources else "CPU"
    each = resources.get("num_gpus", resources["num_cpus"])
    room = int(ray.cluster_resources().get(kind, 0) // each)
    told = f"{workers} worker{'s' if workers > 1 else ''} with {each:g} {kind}{'s' if each > 1 else ''} each"
    if room >= workers:
        return told
    if local:
        raise ArchiveError(f"{told} need more than this machine has: it has room for {room} (--workers, --device)")
    return f"{told}, of which the cluster has room for {room} now"


def first_line(error: BaseException) -> str:
    """What went wrong, without Ray's traceback and advice."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def answers(
    batches: Sequence[Sequence[ArchiveFile]], options: ArchiveOptions, workers: int, resources: dict[str, Any]
) -> Iterator[pa.Table]:
    """What the workers return (`file_worker.answer_schema`), batch by batch, as they end.

    Nothing holds more than the batches in work and a few answers: Ray Data starts further ones as room is made.

    Args:
        batches: The files of each.
        options: Of the archive.
        workers: Processes with a model.
        resources: Of each.
    """
    import pyarrow as pa
    import ray
    import ray.data

    from auricle_server.archives.attempts import AttemptLedger
    from auricle_server.archives.file_worker import ArchiveWorker

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = _BLOCK_BYTES
    ledger = ray.remote(num_cpus=0)(AttemptLedger).remote()
    tables = [pa.table({"file": [file.as_json() for file in batch]}) for batch in batches]
    dataset = ray.data.from_arrow(tables).map_batches(
        ArchiveWorker,
        fn_constructor_args=(options.worker.as_json(), ledger),
        batch_size=None,
        batch_format="pyarrow",
        # Two batches at once in a worker, so that the end of one leaves no file of the engine's steps empty.
        compute=ray.data.ActorPoolStrategy(
            size=workers,
            max_tasks_in_flight_per_actor=3,
            max_concurrent_calls_per_actor=2,
            enable_true_multi_threading=True,
        ),
        **resources,
    )
    yield from dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
