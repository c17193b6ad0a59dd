"""What a profile of a published model holds."""

from __future__ import annotations

from dataclasses import dataclass, field

from auricle_server.checkpoints.errors import CheckpointError
from auricle_server.checkpoints.hub.cache import MAIN
from auricle_server.checkpoints.languages import ENGLISH_ONLY
from auricle_server.cures import Cures

FRAME_MS = 80
"""Milliseconds of one encoder frame in every model of the family (`MelConfig.hop` x `SUBSAMPLING_FACTOR`)."""


def latency_of(right_context: int) -> int:
    """Chunk latency in milliseconds: a right context of R frames makes chunks of R + 1."""
    return (right_context + 1) * FRAME_MS


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file of a published model that Auricle can load weights from.

    The hub names the checksum of each file when it is downloaded, and it is verified then; a profile repeats none.

    Attributes:
        suffix: How its name ends: ``.nemo`` or ``.safetensors``.
        size: Bytes.
        gzipped: Whether it is an archive that must be unpacked before it can be mapped.
    """

    suffix: str
    size: int
    gzipped: bool = False


@dataclass(frozen=True, slots=True)
class PublishedWordErrors:
    """Word error rates of a model card.

    Attributes:
        percent: Chunk latency in ms -> word error rate in per cent.
        what: What was transcribed.
        date: When the weights were published, as year and month.
    """

    percent: dict[int, float]
    what: str
    date: str


@dataclass(frozen=True, slots=True)
class KnownIll:
    """Something that people report of a model.

    Attributes:
        name: Short name.
        sentence: What goes wrong.
        cure: What is done against it, in words; empty where nothing is.
        reports: Where it was reported.
    """

    name: str
    sentence: str
    cure: str
    reports: str


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """A published model at one revision, as its card and its files describe it.

    Attributes:
        id: Its id on the hub.
        licence: Its licence.
        revision: Branch on the hub.
        version: The weights' date in words; empty where there is one version only.
        right_contexts: Right attention contexts of the checkpoint in encoder frames, in its order; the first is its own
            default.
        default_latency_ms: Latency of streams that ask for none.
        added_right_contexts: Those that its card names and its checkpoint does not. Any right context works with a
            limited left one: the model was trained on chunks of several lengths, and a chunk of any length sees itself
            whole and as much of the past as the left context holds.
        languages: Languages that it was trained on, as `offered_languages` orders them.
        languages_to_adapt: Those of them that need fine-tuning before they are of use (the card's
            "adaptation-ready").
        files: Its files with weights.
        word_errors: Of its card; None where the card has none for these latencies.
        advice: Recommended settings, one sentence each.
        ills: What people report of it.
        cures: What is on for its streams.
        note: What is special about it.
    """

    id: str
    licence: str
    right_contexts: tuple[int, ...]
    default_latency_ms: int
    revision: str = MAIN
    version: str = ""
    added_right_contexts: tuple[int, ...] = ()
    languages: tuple[str, ...] = ENGLISH_ONLY
    languages_to_adapt: frozenset[str] = frozenset()
    files: tuple[PublishedFile, ...] = ()
    word_errors: PublishedWordErrors | None = None
    advice: tuple[str, ...] = ()
    ills: tuple[KnownIll, ...] = ()
    cures: Cures = field(default_factory=Cures)
    note: str = ""

    @property
    def latencies_ms(self) -> tuple[int, ...]:
        """Chunk latencies, ascending."""
        return tuple(sorted(map(latency_of, {*self.right_contexts, *self.added_right_contexts})))

    def __post_init__(self) -> None:
        if self.default_latency_ms not in self.latencies_ms:
            raise CheckpointError(
                f"profile of {self.id}: no right context makes its default of {self.default_latency_ms} ms"
            )
        if not self.languages_to_adapt <= set(self.languages):
            raise CheckpointError(f"profile of {self.id}: languages to adapt that it does not have")
