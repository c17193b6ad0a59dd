"""The program ffmpeg: the machine's, or that of the package imageio-ffmpeg."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def ffmpeg() -> str:
    """Path of the program."""
    if (installed := shutil.which("ffmpeg")) is not None:
        return installed
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def folder_with_ffmpeg(folder: Path) -> str:
    """A folder for PATH in which the program has its usual name."""
    folder.mkdir()
    (folder / "ffmpeg").symlink_to(ffmpeg())
    return str(folder)


def convert(source: Path, target: Path, *options: str) -> Path:
    """Writes `source` in the format that the name of `target` tells."""
    subprocess.run([ffmpeg(), "-v", "error", "-y", "-i", source, *options, target], check=True, timeout=60)
    return target
