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
    pytest.importorskip("ray")
    code = (
        "from auricle_server.archives.local_ray import ray_cluster\n"
        "from auricle_server.archives.errors import ArchiveError\n"
        "try:\n    ray_cluster('nonsense', 1).__enter__()\nexcept ArchiveError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith("Ray cannot be used at nonsense: ")
