"""Samples of several channels, or of 32 bits, to those that a session takes."""

from __future__ import annotations

import numpy as np

from auricle.protocol.client_messages import SAMPLE_BYTES, Encoding
from auricle_server.gateway.audio.decode import companding_table

_PCM = np.dtype("<i2")
_WIDE_BYTES = 4


class SampleMixer:
    """Takes bytes that may end within a sample; returns whole ones: the mix of all channels, or one of them.

    Args:
        encoding: Of the samples that come. Several channels of G.711 become PCM.
        channels: Whose samples alternate.
        channel: The one to take, from 0; None mixes them.
        wide: Whether the samples are PCM of 32 bits.
    """

    def __init__(
        self, encoding: Encoding, channels: int = 1, channel: int | None = None, *, wide: bool = False
    ) -> None:
        self._table = None if channels == 1 or encoding == "pcm_s16le" else companding_table(encoding)
        self._channels = channels
        self._channel = channel
        self._wide = wide
        self._block = channels * (_WIDE_BYTES if wide else SAMPLE_BYTES[encoding])
        self._rest = b""

    def push(self, data: bytes) -> bytes:
        """The whole samples that end in these bytes, mixed."""
        if self._rest or len(data) % self._block:
            data = self._rest + data
            whole = len(data) - len(data) % self._block
            data, self._rest = data[:whole], data[whole:]
        if self._channels == 1 and not self._wide:
            return data
        samples = np.frombuffer(data, _PCM) if self._table is None else self._table[np.frombuffer(data, np.uint8)]
        if self._wide:
            samples = samples[1::2]  # the upper halves
        if self._channels == 1:
            return samples.tobytes()
        if self._channel is not None:
            taken: bytes = samples[self._channel :: self._channels].tobytes()
            return taken
        mixed: bytes = np.rint(samples.reshape(-1, self._channels).mean(axis=1)).astype(_PCM).tobytes()
        return mixed
