"""Every metric object. One set per gateway, in a registry of its own, so that a process may hold several."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_STEP_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.5, 1.0)
_FINALIZE_BUCKETS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.12, 0.2, 0.5, 1.0, 2.0)
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)


class Metrics:
    """What `/metrics` shows."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.streams = Gauge("auricle_streams", "Streams open on this gateway.", registry=registry)
        self.slots = Gauge("auricle_slots", "Streams that the workers can hold.", registry=registry)
        self.slots_used = Gauge("auricle_slots_used", "Streams that the workers hold.", registry=registry)
        self.ready = Gauge("auricle_ready", "1 while new streams are taken.", registry=registry)
        self.audio_seconds = Counter("auricle_audio_seconds", "Seconds of audio taken in.", registry=registry)
        self.step_seconds = Histogram(
            "auricle_step_seconds", "Duration of an engine step.", buckets=_STEP_BUCKETS, registry=registry
        )
        self.batch_rows = Histogram(
            "auricle_batch_rows", "Rows of an engine step.", buckets=_BATCH_BUCKETS, registry=registry
        )
        self.finalize_seconds = Histogram(
            "auricle_finalize_seconds", "From a finalize to its final.", buckets=_FINALIZE_BUCKETS, registry=registry
        )
        self.turn_ends = Counter("auricle_turn_ends", "Turn ends decided.", registry=registry)
        self.errors = Counter("auricle_errors", "Errors sent to clients.", ["code"], registry=registry)
        self.refused = Counter("auricle_refused", "Streams refused before the upgrade.", ["code"], registry=registry)
        self.workers_lost = Counter("auricle_workers_lost", "Times that a worker went.", registry=registry)

    def text(self) -> bytes:
        """Prometheus text format."""
        return generate_latest(self.registry)
