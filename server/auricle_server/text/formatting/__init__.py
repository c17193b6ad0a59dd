"""Words as people write them: numbers, money, times, dates, addresses; words masked or replaced. Pure."""

from __future__ import annotations

from auricle_server.text.formatting.formatter import Formatter
from auricle_server.text.formatting.spoken_text import FormattedWord

__all__ = ["FormattedWord", "Formatter"]
