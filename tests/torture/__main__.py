"""An hour of attacks and faults on servers with live calls: `make torture`, or `python -m tests.torture`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.torture.behind_proxy.rolling_restart import rolling_restarts
from tests.torture.plan import FULL_MINUTES, Plan
from tests.torture.report import markdown, record_of, write
from tests.torture.run import torture
from tests.torture.trials.catalogue import TRIALS


def main() -> int:
    """Prints the report and writes it; 1 when something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=FULL_MINUTES, help="length of the calls; scales everything. Default: 60"
    )
    parser.add_argument("--seed", type=int, default=1, help="of words, faults and mutations. Default: 1")
    parser.add_argument("--only", choices=TRIALS, nargs="*", default=list(TRIALS), help="the hostile trials to run")
    parser.add_argument("--out", type=Path, help="folder of the report. Default: tests/torture/results/MACHINE")
    parser.add_argument("--keep", type=Path, help="folder that keeps the servers' logs")
    options = parser.parse_args()
    plan = Plan(options.minutes, options.seed)
    with tempfile.TemporaryDirectory(prefix="torture-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(torture(plan, folder, options.only))
        if set(options.only) == set(TRIALS):
            report.trials += asyncio.run(rolling_restarts(plan, folder / "fleet"))
    record = record_of(report)
    print(markdown(record))
    print(write(record, options.out))
    return 0 if report.holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
