"""What a server does now: streams and capacity, steps, latencies, refusals, of all gateways and workers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from prometheus_client import Metric

import auricle
from auricle_server.config import ServerConfig
from auricle_server.gateway.http.routes.histogram_window import HistogramWindow, counts_of
from auricle_server.gateway.workers.model_pools import ModelPools
from auricle_server.gateway.workers.worker_client import WorkerClient
from auricle_server.gateway.workers.worker_pool import WorkerPool
from auricle_server.model_info import public_name
from auricle_server.telemetry.metrics import Metrics

_STEPS, _ROWS, _FINALS = "auricle_step_seconds", "auricle_batch_rows", "auricle_finalize_seconds"
_REFUSED, _RESUMED, _LOST = "auricle_refused", "auricle_resumed", "auricle_workers_lost"
_MILLISECONDS = 1000.0
_DIGITS = 4


class StatusReader:
    """Reads the state of a server.

    Args:
        config: Of the server.
        workers: Of this gateway, which are those of all.
        metrics: Of this gateway, which answer for all.
        draining: Whether the server shuts down.
    """

    def __init__(
        self,
        config: ServerConfig,
        workers: ModelPools,
        metrics: Metrics,
        draining: Callable[[], bool],
    ) -> None:
        self._config = config
        self._workers = workers
        self._metrics = metrics
        self._draining = draining
        self._windows = {name: HistogramWindow() for name in (_STEPS, _ROWS, _FINALS)}

    def forget(self) -> None:
        """Nobody has read for a while: the next reading begins new windows."""
        self._windows = {name: HistogramWindow() for name in self._windows}

    def read(self, now: float) -> dict[str, Any]:
        """A reading; see ``GET /v1/status`` in docs/protocol.md for its fields.

        Args:
            now: Monotonic seconds.
        """
        found = {metric.name: metric for metric in self._metrics.read((*self._windows, _REFUSED, _RESUMED, _LOST))}
        for name, window in self._windows.items():
            if name in found:
                window.add(now, *counts_of(found[name]))
        time = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "time": time,
            "version": auricle.__version__,
            "state": self._state(self._workers),
            "models": [self._model_figures(pool, found) for pool in self._workers.pools],
        }

    def _state(self, workers: WorkerPool | ModelPools) -> str:
        if self._draining():
            return "draining"
        if workers.ready:
            return "ready"
        return "loading" if workers.loading() else "no worker"

    def _model_figures(self, pool: WorkerPool, found: dict[str, Metric]) -> dict[str, Any]:
        workers = [_worker_figures(number, client) for number, client in enumerate(pool.serving, pool.first)]
        figures: dict[str, Any] = {"name": pool.name or public_name(self._config.model), "state": self._state(pool)}
        if pool.info is not None:
            figures["source"] = pool.info.source
        if not pool.ready:
            figures["loading"] = [{"what": each.what, "percent": each.percent} for each in pool.loading()]
        figures |= {name: sum(worker[name] for worker in workers) for name in ("streams", "slots", "capacity")}
        figures |= {name: max((worker[name] for worker in workers), default=0.0) for name in ("load", "busy")}
        figures["full"] = pool.full
        steps = self._windows[_STEPS]
        figures["steps_per_second"] = _rounded(steps.count / steps.seconds if steps.seconds else None)
        figures |= _quantiles("step", steps)
        figures |= {"batch_mean": _rounded(self._windows[_ROWS].mean), "batch_p95": self._rows(0.95)}
        figures |= _quantiles("finalize", self._windows[_FINALS])
        totals = (("refused", _REFUSED), ("resumed", _RESUMED), ("workers_lost", _LOST))
        return figures | {name: _total(found.get(metric)) for name, metric in totals} | {"workers": workers}

    def _rows(self, share: float) -> float | None:
        return _rounded(self._windows[_ROWS].quantile(share))


def _worker_figures(number: int, client: WorkerClient) -> dict[str, Any]:
    stats = client.stats
    return {
        "worker": number,
        "state": "ready" if client.ready else "not ready",
        "streams": client.slots_used,
        "slots": 0 if client.info is None else client.info.slots,
        "capacity": client.capacity,
        "load": 0.0 if stats is None else _rounded(stats.load),
        "busy": 0.0 if stats is None else _rounded(stats.busy),
    }


def _quantiles(name: str, window: HistogramWindow) -> dict[str, float | None]:
    """The quantiles of seconds, in milliseconds."""
    found: dict[str, float | None] = {}
    for percent in (50, 95, 99):
        seconds = window.quantile(percent / 100)
        found[f"{name}_p{percent}_ms"] = None if seconds is None else _rounded(seconds * _MILLISECONDS)
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _total(metric: Metric | None) -> int:
    """The sum of a counter over all its labels."""
    samples = () if metric is None else metric.samples
    return round(sum(sample.value for sample in samples if sample.name.endswith("_total")))
