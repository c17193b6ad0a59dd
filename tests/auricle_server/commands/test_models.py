from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from auricle_server.checkpoints.known.lookup import KNOWN_MODELS
from auricle_server.checkpoints.known.nemotron import MULTILINGUAL
from tests.support.hub import COMMIT, CONTENT, FILE, REPO, Hub, auricle, listed


def test_models_lists_what_is_known_and_what_is_here(hub: Hub, home: Path) -> None:
    demo = listed(home, "demo")
    assert (demo["bundled"], demo["licence"], demo["latencies_ms"]) == (True, "Apache-2.0", [80, 160, 560, 1120])
    assert Path(demo["here"]["path"]).stat().st_size == demo["here"]["size"]
    assert listed(home, REPO)["here"] is None
    path = auricle(hub, home, "pull", REPO).stdout.strip()
    here = listed(home, REPO)["here"]
    assert here == {"path": path, "size": len(CONTENT), "revision": COMMIT, "trouble": ""}
    table = auricle(None, home, "models").stdout
    assert all(known.id in table and known.licence in table for known in KNOWN_MODELS)
    assert COMMIT[:8] in table


def test_models_says_which_locales_need_fine_tuning_which_latency_is_the_default_and_which_cures_are_on(
    home: Path,
) -> None:
    multilingual = listed(home, MULTILINGUAL.id)
    assert multilingual["languages_to_adapt"] == sorted(MULTILINGUAL.languages_to_adapt)
    assert (multilingual["latencies_ms"], multilingual["default_latency_ms"]) == ([80, 160, 320, 560, 1120], 320)
    assert multilingual["cures"] == "warm-up=1.12,refresh=20,watch=2"
    assert (listed(home, "demo")["cures"], listed(home, "demo")["languages_to_adapt"]) == ("off", [])
    table = auricle(None, home, "models").stdout
    assert "need fine-tuning first: el-GR he-IL lt-LT lv-LV mt-MT nn-NO sl-SI th-TH" in table
    assert "chunks of 80 160 320 560 1120 ms, 320 by default" in table
    assert "cures: warm-up=1.12,refresh=20,watch=2" in table


def test_models_says_what_speaks_against_a_copy(hub: Hub, home: Path) -> None:
    hub.files = {FILE: b"not an archive at all"}
    auricle(hub, home, "pull", REPO)
    assert "not a readable .nemo archive" in listed(home, REPO)["here"]["trouble"]
    assert "not a readable .nemo archive" in auricle(None, home, "models").stdout


def test_models_starts_without_a_tensor_library(home: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from auricle_server.commands.app import app; "
        "assert CliRunner().invoke(app, ['models', '--json']).exit_code == 0; print('torch' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HF_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == "False"
