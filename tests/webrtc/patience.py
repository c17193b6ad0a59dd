"""How long to wait for what must come: far longer than it takes, because the machine may be busy."""

from __future__ import annotations

PATIENCE = 60.0
