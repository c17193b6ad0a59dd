"""What an engine offers its callers, and what their words mean to it: latencies as frames, languages as prompts."""

from __future__ import annotations

from collections.abc import Iterable

from auricle_server.checkpoints.languages import offered_languages
from auricle_server.checkpoints.latencies import default_latency_ms
from auricle_server.checkpoints.load import Checkpoint
from auricle_server.cures import OFF, Cures
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.types import UnknownLanguage, UnknownLatency
from auricle_server.model_info import ModelInfo
from auricle_server.text.calibration import uncalibrated


class Capabilities:
    """Latencies and languages of a model.

    Attributes:
        info: The model, for callers.

    Args:
        checkpoint: The model.
        sizes: Encoder frames of the chunks that there are.
        slots: Streams at once.
        cures: The cures that are on.
    """

    def __init__(self, checkpoint: Checkpoint, sizes: Iterable[int], slots: int, cures: Cures = OFF) -> None:
        frame_ms = checkpoint.config.frame_seconds * 1000
        # 80 ms frames: right contexts 0, 1, 6 and 13 are 80, 160, 560 and 1120 ms, as the model's card names them.
        self._frames = {round(frames * frame_ms): frames for frames in sizes}
        self._prompts = dict(checkpoint.config.prompt.dictionary) if checkpoint.config.prompt else {}
        self.info = _info(checkpoint, tuple(sorted(self._frames)), slots, cures)

    def frames(self, latency_ms: int) -> int:
        """Encoder frames of a chunk.

        Raises:
            UnknownLatency: Not one of `info.latencies_ms`.
        """
        try:
            return self._frames[latency_ms]
        except KeyError:
            offered = ", ".join(map(str, self.info.latencies_ms))
            raise UnknownLatency(f"the model offers no latency of {latency_ms} ms; it offers {offered}") from None

    def prompt(self, language: str) -> int:
        """Index of the language's prompt; 0 where the model has none.

        Raises:
            UnknownLanguage: Not one of `info.languages`.
        """
        if language not in self.info.languages:
            offered = ", ".join(self.info.languages)
            raise UnknownLanguage(f"the model does not offer the language {language!r}; it offers {offered}")
        return self._prompts.get(language, 0)


def _info(checkpoint: Checkpoint, latencies: tuple[int, ...], slots: int, cures: Cures) -> ModelInfo:
    profile = checkpoint.profile
    languages = offered_languages(checkpoint.config.prompt, published=profile is not None)
    default = default_latency_ms(checkpoint.config, profile)
    to_adapt = profile.languages_to_adapt if profile else frozenset()
    return ModelInfo(
        name=checkpoint.name,
        pieces=checkpoint.pieces,
        latencies_ms=latencies,
        default_latency_ms=default if default in latencies else latencies[0],
        languages=languages,
        default_language=languages[0],
        frame_seconds=checkpoint.config.frame_seconds,
        slots=slots,
        lookahead_seconds=FrameGeometry(checkpoint.config).lookahead_seconds,
        words=checkpoint.words or uncalibrated(checkpoint.config.frame_seconds),
        cures=cures,
        languages_to_adapt=tuple(code for code in languages if code in to_adapt),
    )
