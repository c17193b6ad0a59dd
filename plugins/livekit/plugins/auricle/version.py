"""The plugin's version, which is the distribution's."""

from auricle import __version__

__all__ = ["__version__"]
