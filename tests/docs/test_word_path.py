"""The architecture page lists the files that a sample and a token pass, as a trace of the running code finds them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
TIMERS = 2
"""Files of a list that a trace may lack: what only a timer passes is not on the way of every word."""


def listed(title: str) -> set[str]:
    match = re.search(rf"^{title}:\n\n```text\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    assert match is not None
    return set(match[1].split())


def traced() -> dict[str, set[str]]:
    command = [sys.executable, "-m", "tests.support.adapters.word_path"]
    text = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=250).stdout
    parts = re.findall(r"^(sample|token): \d+ files\n((?:  .+\n)+)", text, re.MULTILINE)
    return {name: set(files.split()) for name, files in parts}


@pytest.mark.slow
def test_the_page_lists_the_files_that_a_sample_and_a_token_pass() -> None:
    passed = traced()
    for title, name in (("A sample", "sample"), ("A token", "token")):
        files = listed(title)
        assert passed[name] <= files, f"add to {title} in docs/architecture.md: {sorted(passed[name] - files)}"
        assert len(files - passed[name]) <= TIMERS, f"no longer passed: {sorted(files - passed[name])}"


def test_the_page_counts_what_it_lists() -> None:
    counts = re.search(r"a sample passes (\d+) files .*? and a token (\d+) from", PAGE)
    assert counts is not None
    assert [int(count) for count in counts.groups()] == [len(listed("A sample")), len(listed("A token"))]
