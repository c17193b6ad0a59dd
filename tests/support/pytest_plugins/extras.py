"""A pytest plugin: tests whose packages are absent are skipped, and `--fast` leaves out those that need the engine.

An installation without extras has aiohttp alone; the rest comes with extras. Tests import what they need as usual.
Where an import fails because an extra is absent, in a module, a conftest, a fixture or a test, the outcome is a skip
that names the package and the extra.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

import pytest

_MODULES = {
    "server": (
        "huggingface_hub jiwer msgspec numpy prometheus_client rich safetensors sentencepiece soundfile soxr torch"
        " typer uvloop whisper_normalizer yaml zmq"
    ),
    "pipecat": "pipecat",
    "livekit": "livekit livekit.agents livekit.rtc",  # without it, `livekit` is the namespace of our plugin alone
    "turns": "onnxruntime",
    "nemo": "lhotse nemo scipy transformers",  # NeMo requires SciPy and Transformers
    "sherpa": "onnx sherpa_onnx",
    "bench": "matplotlib",
    "ray": "pyarrow ray",
    "riva": "grpc google google.protobuf",
    "otel": "opentelemetry opentelemetry.sdk opentelemetry.proto opentelemetry.exporter.otlp.proto.http",
    "litellm": "litellm",
    "nvidia": "livekit.plugins.nvidia riva riva.client",
    "dev": "aioice aiortc av cv2 fastapi hypothesis imageio_ffmpeg livekit.plugins.openai uvicorn",
}
_EXTRA = {module: extra for extra, modules in _MODULES.items() for module in modules.split()}

_ENGINE = ("lhotse", "nemo", "onnx", "onnxruntime", "scipy", "sherpa_onnx", "torch", "transformers", "triton")
"""What the fast subset does without: these take seconds to import, and a server with a model needs torch."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only tests that need no torch and no NeMo, and are not slow")
    parser.addoption("--without", action="append", default=[], metavar="MODULE", help="as if it were not installed")


def pytest_configure(config: pytest.Config) -> None:
    Absent((*config.getoption("--without"), *(_ENGINE if config.getoption("--fast") else ()))).hide()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--fast"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        items[:] = [item for item in items if item not in slow]
        config.hook.pytest_deselected(items=slow)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.failed and (reason := missing(vars(report)["call"].excinfo.value)):
        report.outcome, report.longrepr = "skipped", (str(collector.path), 0, f"Skipped: {reason}")
        _forget_module_of(collector.path)
    return report


def _forget_module_of(path: Path) -> None:
    """pytest leaves a module whose import failed half filled: one that imports names of it would miss them instead."""
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == str(path):
            del sys.modules[name]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and call.excinfo and (reason := missing(call.excinfo.value)):
        report.outcome, report.longrepr = "skipped", (str(item.path), item.location[1] or 0, f"Skipped: {reason}")
    return report


def missing(error: BaseException | None) -> str | None:
    """Why a test that ended with this error is skipped: an extra is absent. None: the error is a failure."""
    while error is not None:
        if isinstance(error, ImportError) and _is_absence(error):
            return f"needs {error.name}: pip install '.[{_EXTRA[error.name or '']}]'"
        error = error.__cause__ or error.__context__
    return None


def _is_absence(error: ImportError) -> bool:
    """A module of an installed package that does not exist, or a name that it lacks, is a bug of the test."""
    absent = isinstance(error, ModuleNotFoundError) or (error.name == "livekit" and error.path is None)
    return absent and error.name in _EXTRA


class Absent(MetaPathFinder):
    """Makes imports of these modules fail as if they were not installed."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = frozenset(modules)

    def hide(self) -> None:
        """From now on; raises RuntimeError if one has been imported already."""
        if loaded := self._modules & sys.modules.keys():
            raise RuntimeError(f"imported already: {', '.join(sorted(loaded))}")
        sys.meta_path.insert(0, self)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Leaves the other modules to the other finders."""
        del path, target
        if fullname in self._modules:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
