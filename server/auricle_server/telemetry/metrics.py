"""All metrics. Each gateway has a set in a registry of its own, so that one process may hold several.

Gateways in processes of their own share their figures (`share_metrics`): each of them answers for all, and the counts
of a gateway that has died remain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest, values
from prometheus_client.registry import Collector

from auricle_server.telemetry.shared_metrics import FigureKey, MetricArea, MetricMemory, joined, shared_value_class

if TYPE_CHECKING:
    from auricle_server.ipc.messages import StepSample

_Mode = Literal["livemax", "livesum"]

_STEP_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.12, 0.16, 0.24, 0.5, 1.0)
_FINALIZE_BUCKETS = (0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.12, 0.2, 0.5, 1.0, 2.0)
# An edge lies at 0.25 s: no result waits longer for a judgement (`LATE_SECONDS`).
_JUDGEMENT_BUCKETS = (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1.0)
_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)


class _Shared(Collector):
    """The figures of all gateways.

    Args:
        memory: Of all.
        own: The area of this one.
    """

    def __init__(self, memory: MetricMemory, own: MetricArea) -> None:
        self._areas, self._own = memory.areas(), own
        self.descriptions: dict[str, str] = {}

    def collect(self) -> Iterable[Metric]:
        return joined(self._figures(), self.descriptions)

    def read(self, names: Collection[str]) -> list[Metric]:
        """Only the metrics of these names, without their descriptions."""
        return joined(((key, value) for key, value in self._figures() if key.metric in names), {})

    def _figures(self) -> Iterator[tuple[FigureKey, float]]:
        return chain(*(area.figures() for area in self._areas), self._own.unshared())


_shared: _Shared | None = None


def share_metrics(memory: MetricMemory, gateway: int) -> None:
    """Makes this process keep its figures in `memory`, with those of others. To be called before `Metrics` is made.

    Args:
        memory: Of all gateways.
        gateway: Number of this one.
    """
    global _shared
    area = memory.area(gateway)
    area.take()
    values.ValueClass = shared_value_class(area)
    _shared = _Shared(memory, area)


class Metrics:
    """The metrics of one gateway, as `/metrics` shows them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._count_streams()
        self._count_capacity()
        self._count_steps()
        self._count_turns()
        self._count_cures()
        self._count_failures()
        self._count_keys()

    def _count_streams(self) -> None:
        self.streams = self._gauge("auricle_streams", "Streams open.", "livesum")
        self.audio_seconds = self._counter("auricle_audio_seconds", "Seconds of audio taken in.")
        self.connections_waiting = self._gauge(
            "auricle_connections_waiting", "Connections that have sent no request yet, or no other one.", "livesum"
        )
        self.dialect_streams = self._counter(
            "auricle_dialect_streams", "Streams opened in the wire formats of other servers.", labels=("dialect",)
        )
        self.resumed = self._counter("auricle_resumed", "Streams that went on after a cut.")
        self.finalize_seconds = self._histogram(
            "auricle_finalize_seconds", "From a finalize to its final.", _FINALIZE_BUCKETS
        )

    def _count_capacity(self) -> None:
        self.ready = self._gauge("auricle_ready", "1 while new streams are taken.")
        self.drain_ends = self._gauge(
            "auricle_drain_ends_timestamp_seconds",
            "When the drain that goes on has given streams their time, as Unix time; 0 while none goes on.",
        )
        self.slots = self._gauge("auricle_slots", "Streams that the workers can hold.")
        self.slots_used = self._gauge("auricle_slots_used", "Streams that the workers hold.")
        self.capacity_streams = self._gauge(
            "auricle_capacity_streams",
            "Streams of the default latency that the workers could hold, by slots and by measured step time.",
        )
        self.load = self._gauge(
            "auricle_load",
            "Share of a worker's time: predicted for the streams it holds, and measured over the last second.",
            labels=("worker", "kind"),
        )

        model = ("model",)
        self.model_ready = self._gauge("auricle_model_ready", "1 while the model has a worker.", labels=model)
        self.model_slots = self._gauge("auricle_model_slots", "As auricle_slots, by model.", labels=model)
        self.model_slots_used = self._gauge(
            "auricle_model_slots_used", "As auricle_slots_used, by model.", labels=model
        )
        self.model_capacity_streams = self._gauge(
            "auricle_model_capacity_streams", "As auricle_capacity_streams, by model.", labels=model
        )

    def _count_steps(self) -> None:
        self.step_seconds = self._histogram(
            "auricle_step_seconds",
            "Duration of an engine step, from its launch to its results, by chunk size.",
            _STEP_BUCKETS,
            labels=("chunk_ms",),
        )
        self.state_restarts = self._counter(
            "auricle_state_restarts", "Times that a model's state of a stream started anew, by a cure."
        )
        self.batch_rows = self._histogram("auricle_batch_rows", "Rows of an engine step.", _BATCH_BUCKETS)

    def _count_turns(self) -> None:
        self.turn_ends = self._counter("auricle_turn_ends", "Turn ends decided.")
        self.turn_judgements = self._counter("auricle_turn_judgements", "Judgements of how complete a turn sounds.")
        self.turn_judgements_late = self._counter(
            "auricle_turn_judgements_late",
            "Results that went on without what the sound says, as that took too long.",
        )
        self.turn_judgement_seconds = self._histogram(
            "auricle_turn_judgement_seconds",
            "From when a judgement was asked for to its answer.",
            _JUDGEMENT_BUCKETS,
        )

    def _count_cures(self) -> None:
        self.speech_without_words = self._counter(
            "auricle_speech_without_words", "Times that speech without a word was decoded again, by a cure."
        )
        self.words_held_back = self._counter(
            "auricle_words_held_back", "Words that were held back as noise, by a cure."
        )

    def _count_failures(self) -> None:
        self.connections_closed = self._counter(
            "auricle_connections_closed", "Connections closed before they were streams.", labels=("reason",)
        )
        self.errors = self._counter("auricle_errors", "Errors sent to clients.", labels=("code",))
        self.refused = self._counter("auricle_refused", "Streams refused before the upgrade.", labels=("code",))
        self.workers_lost = self._counter("auricle_workers_lost", "Times that a worker went.")

    def _count_keys(self) -> None:
        key = ("key",)
        self.key_streams = self._gauge("auricle_key_streams", "Streams open, by API key.", "livesum", key)
        self.key_opened = self._counter("auricle_key_streams_opened", "Streams opened, by API key.", key)
        self.key_audio_seconds = self._counter(
            "auricle_key_audio_seconds", "Seconds of audio taken in, by API key.", key
        )
        self.key_finals = self._counter("auricle_key_finals", "Finals sent, by API key.", key)
        self.key_tokens = self._counter("auricle_key_tokens", "Short-lived tokens made, by API key.", key)
        self.key_refused = self._counter(
            "auricle_key_refused", "Streams refused because of the API key's own limits, by API key.", key
        )

    def _gauge(self, name: str, text: str, mode: _Mode = "livemax", labels: Iterable[str] = ()) -> Gauge:
        # Every gateway sees the same workers, so most gauges take the highest value; `streams` alone is a sum. "live"
        # leaves out processes that have ended.
        return Gauge(name, text, labels, registry=self.registry, multiprocess_mode=mode)

    def _counter(self, name: str, text: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], labels: Iterable[str] = ()) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def set_model(self, name: str, ready: bool, slots: int, slots_used: int, capacity: int) -> None:
        """Sets the gauges of a model; one that the server has no longer has zeros."""
        self.model_ready.labels(name).set(ready)
        self.model_slots.labels(name).set(slots)
        self.model_slots_used.labels(name).set(slots_used)
        self.model_capacity_streams.labels(name).set(capacity)

    def observe_steps(self, steps: Iterable[StepSample]) -> None:
        """Counts the engine steps that a worker has reported."""
        for step in steps:
            self.step_seconds.labels(step.chunk_ms).observe(step.seconds)
            self.batch_rows.observe(step.rows)

    def read(self, names: Collection[str]) -> list[Metric]:
        """The metrics of these names, of all gateways; one that nothing has counted yet may be missing.

        Args:
            names: Those of counters without ``_total``.
        """
        if _shared is not None:
            return _shared.read(names)
        return [metric for metric in self.registry.collect() if metric.name in names]

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        if _shared is None:
            return generate_latest(self.registry)
        # A registry with nothing else in it: this process's own figures are in the memory too, and would count twice.
        _shared.descriptions = {metric.name: metric.documentation for metric in self.registry.collect()}
        shared = CollectorRegistry()
        shared.register(_shared)
        return generate_latest(shared)
