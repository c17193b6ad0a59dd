"""Writes the parts of the pages that the code or the committed results determine.

A page marks such a part with `<!-- generated: NAME -->` and `<!-- end of generated -->`; `BLOCKS` names what goes
between. `make docs-generate` rewrites the pages, and `tests/docs/test_generated.py` fails while one of them is stale.
Imports neither torch nor numpy.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs.tables import Stale, alerts, code, cpu, dialects, fleet, models, results, text_formats

DOCS = Path(__file__).parent
_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+(?: [a-z_-]+)?) -->\n).*?(<!-- end of generated -->)", re.DOTALL)


def rewritten(text: str) -> str:
    """A page with all its generated parts written anew.

    Raises:
        Stale: The page names a part that does not exist.
    """

    def block(match: re.Match[str]) -> str:
        name, _, argument = match[2].partition(" ")
        if name not in BLOCKS:
            raise Stale(f"no generated part is called {name!r}")
        content = BLOCKS[name](argument) if argument else BLOCKS[name]()
        return f"{match[1]}\n{content}\n\n{match[3]}"

    return _BLOCK.sub(block, text)


def pages() -> list[Path]:
    """The README, and every page of the documentation."""
    return [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]


def main() -> None:
    """Rewrites the pages in place."""
    for page in pages():
        before = page.read_text()
        after = rewritten(before)
        if after != before:
            page.write_text(after)
            sys.stdout.write(f"rewrote {page.relative_to(DOCS.parent)}\n")


BLOCKS: dict[str, Callable[..., str]] = {
    "message": code.message_table,
    "codes": code.codes_table,
    "configuration": code.configuration_table,
    "commands": code.command_reference,
    "metrics": code.metrics_table,
    "alerts": alerts.alerts_table,
    "models": models.published_table,
    "ills": models.ills_table,
    "summary": results.summary_table,
    "cpu-speed": cpu.speed_tables,
    "dialects": dialects.matrix,
    "fleet": fleet.fleet_table,
    "text-formats": text_formats.text_formats_table,
    **{f"results-{kind}": partial(results.results_table, kind) for kind in results.RESULT_TABLES},
}

if __name__ == "__main__":
    main()
