from __future__ import annotations

import subprocess
import sys

import pytest

from auricle_server.archives import local_ray
from auricle_server.archives.errors import ArchiveError


def test_without_ray_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_ray, "find_spec", lambda name: None if name == "ray" else name)
    with pytest.raises(ArchiveError, match=r"^ray is not installed; .*run: pip install '\.\[server,ray\]'$"):
        local_ray.require_ray()
    monkeypatch.setattr(local_ray, "find_spec", lambda name: None)
    with pytest.raises(ArchiveError, match="ray and pyarrow and fsspec are not installed"):
        local_ray.require_ray()


@pytest.mark.slow
def test_no_cluster_there() -> None:
    import ray  # noqa: F401

    code = (
        "from auricle_server.archives.local_ray import ray_cluster\n"
        "from auricle_server.archives.errors import ArchiveError\n"
        "try:\n    ray_cluster('nonsense', 1).__enter__()\nexcept ArchiveError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith("Ray cannot be used at nonsense: ")


def test_the_first_line_of_an_error_is_what_went_wrong() -> None:
    assert local_ray.first_line(RuntimeError("\n  no room\nTraceback ...")) == "no room"
    assert local_ray.first_line(RuntimeError()) == "RuntimeError"


@pytest.mark.parametrize(
    ("resources", "workers", "told"),
    [
        ({"num_cpus": 2}, 4, "4 workers with 2 CPUs each"),
        ({"num_gpus": 1, "num_cpus": 1}, 3, "3 workers with 1 GPU each, of which the cluster has room for 2 now"),
    ],
)
def test_room_for_the_workers(
    monkeypatch: pytest.MonkeyPatch, resources: dict[str, int], workers: int, told: str
) -> None:
    import ray

    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 8.0, "GPU": 2.0})
    assert local_ray.check_room(workers, resources, local=False) == told
    if "now" in told:
        with pytest.raises(ArchiveError, match="3 workers with 1 GPU each need more than this machine has"):
            local_ray.check_room(workers, resources, local=True)
