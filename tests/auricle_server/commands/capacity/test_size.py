from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auricle_server.bench.report.results import DEFAULT_FOLDER
from auricle_server.commands.app import app

RESULTS = str(Path(__file__).parents[4] / DEFAULT_FOLDER)
GPU = ["size", "--streams", "10000", "--latency-ms", "80", "--gpu", "H200", "--results", RESULTS]


def run(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    return done.exit_code, done.stdout, " ".join(done.stderr.split())


def test_it_prints_lines_and_values_for_the_chart() -> None:
    code, out, _ = run(*GPU)
    assert code == 0
    assert "no step on this GPU has been measured" in out
    assert "arithmetic" in out
    assert "capacity of a GPU" in out
    assert "maxReplicas: 3" in out


def test_as_json_it_prints_nothing_else() -> None:
    code, out, _ = run(*GPU, "--json")
    assert code == 0
    assert json.loads(out)["options"]["gpu"] == "H200"


def test_outside_a_checkout_a_gpu_is_sized_and_a_cpu_says_what_is_missing(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    code, out, _ = run(*GPU[:-1], nowhere)
    assert code == 0
    assert "assumed" in out
    code, _, err = run("size", "--streams", "10", "--latency-ms", "560", "--cpu", "--results", nowhere)
    assert code == 1
    assert "auricle bench engine --device cpu" in err


@pytest.mark.parametrize("arguments", [[], ["--gpu", "H200", "--cpu"]], ids=["neither", "both"])
def test_one_of_gpu_and_cpu_is_asked_for(arguments: list[str]) -> None:
    code, _, err = run("size", "--streams", "10", "--latency-ms", "80", *arguments)
    assert code == 2
    assert "choose one of --gpu TYPE and --cpu" in err


def test_a_file_that_is_no_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text("{}")
    code, _, err = run(*GPU[:-1], str(tmp_path))
    assert code == 1
    assert "wrong.json is not a record" in err


def test_odd_questions_get_an_answer_in_words() -> None:
    code, _, err = run("size", "--streams", "0", "--latency-ms", "80", "--gpu", "H200")
    assert (code, "--streams 0: must be 1 or more" in err) == (1, True)
