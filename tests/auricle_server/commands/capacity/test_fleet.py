from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from auricle_server.bench.report.results import DEFAULT_FOLDER
from auricle_server.commands.app import app

RESULTS = str(Path(__file__).parents[4] / DEFAULT_FOLDER)


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["bench", "fleet", *arguments], env={"COLUMNS": "200"})
    return done.exit_code, done.stdout, " ".join(done.stderr.split())


def test_a_fleet_of_your_own_is_simulated_into_a_record(tmp_path: Path) -> None:
    where = ("--results", RESULTS, "--out", str(tmp_path))
    what = (
        "--cpu",
        "--latency-ms",
        "560",
        "--servers",
        "9",
        "--load",
        "0.9",
        "--seconds",
        "60",
        "--call-seconds",
        "20",
    )
    code, out, err = run(*what, "--lose-zone", "--update-at-once", "3", "--drain", "2", "--burst", "0.5", *where)
    assert (code, err) == (0, "")
    assert "own: " in out
    [path] = tmp_path.iterdir()
    own = json.loads(path.read_text())["figures"]["scenarios"]["own"]
    assert own["outages"]["lost_zone"] == [15.0, 30.0]
    assert (own["servers"], own["load"]) == (9, 0.9)
    assert own["moved"] > 0
    assert own["updated"] > 0


def test_odd_questions_get_an_answer_in_words() -> None:
    assert "choose one of --gpu TYPE and --cpu" in run("--latency-ms", "80")[2]
    code, _, err = run("--latency-ms", "80", "--gpu", "L4", "--scenario", "flood")
    assert code == 2
    assert "--scenario flood: choose from all, load-75" in err
    code, _, err = run("--latency-ms", "80", "--gpu", "L4", "--seconds", "-1")
    assert (code, "own: --seconds -1" in err) == (1, True)
    assert "--gpu T4" in run("--latency-ms", "80", "--gpu", "T4")[2]
