"""Pins the one dependency to the version of this build: `auricle` and this distribution are released together."""

from __future__ import annotations

from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Lockstep(MetadataHookInterface):
    """Depends on what ``[tool.hatch.metadata.hooks.custom]`` names, at the distribution's own version.

    Hatch does not call it for an sdist, whose PKG-INFO has the dependency already.
    """

    def update(self, metadata: dict[str, Any]) -> None:
        """Fills the dynamic field ``dependencies``."""
        metadata["dependencies"] = [f"{self.config['requires']}=={metadata['version']}"]
