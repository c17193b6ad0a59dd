"""What libsndfile does not read, by the program ffmpeg where it is installed: m4a, mp4, webm, amr, wma and others."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile

import numpy as np
import numpy.typing as npt

from auricle_server.audio_files.errors import UnreadableAudio
from auricle_server.audio_files.sources import AudioSource

HOW_TO_GET_IT = (
    "if it is a recording (m4a, mp4, webm, amr, wma and others), install ffmpeg, which reads it: "
    "apt install ffmpeg, brew install ffmpeg, or ffmpeg.org"
)
_WIDTH = 2  # bytes of a sample
_CONTAINERS = (
    "3g2,3gp,aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dts,eac3,flac,flv,g722,gsm,loas,m4a,matroska,mj2,mov,mp3,"
    "mp4,mpc,mpc8,mpeg,mpegts,ogg,rm,tak,tta,voc,w64,wav,webm,wv,xwma"
)
"""What ffmpeg takes a recording without a path for: it may come from a stranger, and a playlist names other files."""


def installed_ffmpeg() -> str | None:
    """Path of the program; None when there is none."""
    return shutil.which("ffmpeg")


class FfmpegDecoder:
    """A process that decodes a recording; see `RecordingDecoder`. Its duration is unknown.

    Args:
        executable: The program.
        source: The recording. Of several audio tracks ffmpeg takes its default, the one with the most channels.

    Raises:
        UnreadableAudio: It holds no audio that ffmpeg reads.
    """

    seconds: float | None = None

    def __init__(self, executable: str, source: AudioSource) -> None:
        # "file:" and the protocols keep a name like http:x, or a playlist, from being fetched from the network.
        name = f"file:{source.path or f'/dev/fd/{source.descriptor}'}"
        arguments = ["-v", "error", "-nostdin", "-protocol_whitelist", "file"]
        arguments += ["-i", name] if source.path is not None else ["-format_whitelist", _CONTAINERS, "-i", name]
        output = ["-vn", "-sn", "-dn", "-map_metadata", "-1", "-c:a", "pcm_s16le", "-f", "wav", "pipe:1"]
        self._errors = tempfile.TemporaryFile(prefix="auricle-")  # noqa: SIM115  # closed with the process
        try:
            self._process = subprocess.Popen(  # noqa: S603  # a program of the user's PATH, without a shell
                [executable, *arguments, *output],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                pass_fds=(source.descriptor,),
            )
        except OSError as error:
            self._errors.close()
            raise UnreadableAudio(f"{executable} cannot be started: {error.strerror}") from error
        try:
            self.rate, self.channels = self._read_header()
        except BaseException:
            self.close()
            raise

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        """See `RecordingDecoder.read`."""
        block = self._take(frames * self.channels * _WIDTH)
        if not block and self._process.wait():
            raise UnreadableAudio(f"damaged: ffmpeg says: {self._complaint()}")
        whole = len(block) - len(block) % (self.channels * _WIDTH)
        samples = np.frombuffer(block[:whole], dtype="<i2").reshape(-1, self.channels)
        return samples.astype(np.float32) / np.float32(32768)

    def close(self) -> None:
        """See `RecordingDecoder.close`."""
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _read_header(self) -> tuple[int, int]:
        """Rate and channels, from the chunks of a WAV header up to the samples. A pipe gets one without lengths."""
        rate = channels = 0
        if self._take(12)[8:] != b"WAVE":
            self._process.wait()
            raise UnreadableAudio(f"not audio that libsndfile or ffmpeg reads: {self._complaint()}")
        while len(header := self._take(8)) == 8:
            name, size = struct.unpack("<4sI", header)
            if name == b"data":
                break
            content = self._take(size + (size & 1))
            if name == b"fmt ":
                channels, rate = struct.unpack_from("<HI", content, 2)
        if not (rate and channels):
            raise UnreadableAudio("ffmpeg did not write a WAV header; is the ffmpeg of the PATH the usual one?")
        return rate, channels

    def _take(self, size: int) -> bytes:
        return b"" if self._process.stdout is None else self._process.stdout.read(size)

    def _complaint(self) -> str:
        """The last line of ffmpeg's errors, which names the reason; those before it name the parts of the file."""
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with {self._process.returncode}"
