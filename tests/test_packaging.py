"""What is shipped, what it imports, and that the pins are complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from email import message_from_bytes
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from auricle_server.checkpoints.known.bundled import BUNDLED

ROOT = Path(__file__).parents[1]
PACKAGES = ("auricle", "auricle_server", "pipecat_auricle", "livekit/plugins/auricle")
HEAVY = {"torch", "nemo", "transformers", "triton"}


# --- the wheel and the editable install ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_every_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for package in PACKAGES:
        assert f"{package}/__init__.py" in names
        assert f"{package}/py.typed" in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"auricle", "auricle_server", "pipecat_auricle", "livekit", f"auricle-{VERSION}.dist-info"}
    assert not {"livekit/__init__.py", "livekit/plugins/__init__.py"} & set(names)
    assert not [name for name in names if name.endswith((".pyc", "~"))]


@pytest.mark.slow
def test_the_wheel_brings_model_clips_and_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"auricle_server/checkpoints/demo/{path.name}" for path in BUNDLED.values()} <= set(names)
    assert {"auricle_server/demo/audio/manifest.json", "auricle_server/demo/page/demo.html"} <= set(names)
    assert f"auricle-{VERSION}.dist-info/licenses/LICENSE" in names


@pytest.mark.slow
def test_an_installed_wheel_imports(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    paths = run_python(
        "import auricle, auricle_server, pipecat_auricle, livekit.agents, livekit.plugins.auricle as plugin\n"
        "print(auricle.__file__, auricle_server.__file__, pipecat_auricle.__file__, plugin.__file__, sep='\\n')",
        PYTHONPATH=str(tmp_path),
    )
    assert all(Path(line).is_relative_to(tmp_path) for line in paths.splitlines())


@pytest.mark.slow
def test_the_editable_install_resolves_to_the_sources() -> None:
    paths = run_python(
        "import auricle, auricle_server, pipecat_auricle, livekit.agents, livekit.plugins.auricle as plugin\n"
        "print(auricle.__file__, auricle_server.__file__, pipecat_auricle.__file__, plugin.__file__, sep='\\n')"
    )
    assert all(Path(line).is_relative_to(ROOT) for line in paths.splitlines())


def run_python(code: str, python: Path | str = sys.executable, **environment: str) -> str:
    """Runs the code in a fresh interpreter outside of the repository and returns what it printed."""
    done = subprocess.run(
        [python, "-c", code],
        cwd="/",
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=110,
    )
    return done.stdout


VERSION = metadata.version("auricle")


def test_one_version_everywhere() -> None:
    import auricle

    assert auricle.__version__ == VERSION
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == VERSION


@pytest.mark.parametrize(
    ("version", "change", "reason"),
    [
        ("", "", "Name the version: make release VERSION=1.2.3"),
        ("1.2", "", "Name the version: make release VERSION=1.2.3"),
        ("0.1.0", "A change", "The tree has changes"),
        ("9.9.9", "", "CHANGELOG.md has no section '## 9.9.9'"),
    ],
)
def test_a_release_needs_a_version_a_clean_tree_and_a_section(
    version: str, change: str, reason: str, tmp_path: Path
) -> None:
    for name in ("Makefile", "CHANGELOG.md", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", str(tmp_path))
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "All")):
        subprocess.run([*git, *command], check=True)
    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(changelog.read_text() + change)
    make = ["make", "-C", str(tmp_path), "release", f"VERSION={version}"]
    done = subprocess.run(make, check=False, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert reason in done.stderr


# --- the distributions that only bring others ------------------------------------------------------------------------

THIN = {"pipecat-auricle": "auricle[pipecat]", "livekit-plugins-auricle": "auricle[livekit]"}
IMPORTS = {"pipecat-auricle": "pipecat_auricle", "livekit-plugins-auricle": "livekit.plugins.auricle"}
ADAPTERS = "import pipecat_auricle, livekit.plugins.auricle as plugin\nprint(pipecat_auricle.__file__, plugin.__file__)"


@pytest.fixture(scope="session")
def thin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel of each, built from its sdist, far from this repository."""
    folder = tmp_path_factory.mktemp("thin")
    for name in THIN:
        build(ROOT / "distributions" / name, "sdist", folder)
    for sdist in folder.glob("*.tar.gz"):
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        build(folder / sdist.name.removesuffix(".tar.gz"), "wheel", folder)
    return folder


def build(source: Path, target: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder], cwd=source, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", THIN)
def test_a_thin_wheel_is_metadata_that_pins_one_distribution(name: str, thin: Path) -> None:
    (path,) = thin.glob(f"{name.replace('-', '_')}-{VERSION}-*.whl")
    with zipfile.ZipFile(path) as archive:
        folder = f"{name.replace('-', '_')}-{VERSION}.dist-info"
        assert {Path(file).parts[0] for file in archive.namelist()} == {folder}
        assert archive.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        told = message_from_bytes(archive.read(f"{folder}/METADATA"))
    assert (told["Name"], told["Version"]) == (name, VERSION)
    assert told.get_all("Requires-Dist") == [f"{THIN[name]}=={VERSION}"]
    assert f"pip install './auricle[{name.partition('-')[0]}]'" in told.get_payload()


@pytest.mark.slow
@pytest.mark.parametrize("name", THIN)
def test_the_wheel_of_the_tree_is_that_of_the_sdist(name: str, thin: Path, tmp_path: Path) -> None:
    build(ROOT / "distributions" / name, "wheel", tmp_path)
    (path,) = tmp_path.glob("*.whl")
    assert path.read_bytes() == (thin / path.name).read_bytes()


def test_the_thin_distributions_share_a_hook_and_say_what_they_are_tested_with() -> None:
    folders = [ROOT / "distributions" / name for name in THIN]
    assert len({(folder / "hatch_build.py").read_bytes() for folder in folders}) == 1
    for folder, host in zip(folders, ("Pipecat v{pipecat-ai}", "LiveKit Agents v{livekit-agents}"), strict=True):
        tested = host.format_map({each: pins()[each] for each in ("pipecat-ai", "livekit-agents")})
        readme = (folder / "README.md").read_text()
        assert f"Tested with {tested}." in readme
        assert IMPORTS[folder.name] in readme


@pytest.mark.slow
def test_installing_a_name_brings_the_adapter_and_removing_it_takes_nothing_else(
    wheel: Path, thin: Path, tmp_path: Path
) -> None:
    python = bare_environment(tmp_path / "venv")
    pip(python, "install", "--no-deps", "--force-reinstall", wheel)  # the one of this tree is seen, but lies elsewhere
    pip(python, "install", "--find-links", thin, *THIN)
    assert run_python(ADAPTERS, python).count(str(tmp_path / "venv")) == 2
    pip(python, "uninstall", "--yes", "pipecat-auricle")
    assert run_python(ADAPTERS, python).count(str(tmp_path / "venv")) == 2
    left = run_python("from importlib.metadata import *\nprint(*(d.name for d in distributions()))", python).split()
    assert "livekit-plugins-auricle" in left
    assert "pipecat-auricle" not in left


@pytest.mark.slow
def test_the_thin_distributions_install_editable(tmp_path: Path) -> None:
    python = bare_environment(tmp_path / "venv")
    sources = [argument for name in THIN for argument in ("-e", ROOT / "distributions" / name)]
    pip(python, "install", "--no-build-isolation", *sources)
    told = run_python(f"from importlib.metadata import version\nprint(*map(version, {list(THIN)}))", python)
    assert told.split() == [VERSION, VERSION]


def bare_environment(folder: Path) -> Path:
    """An interpreter that sees the packages of this one as files on its path, which leaves out editable installs."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def pip(python: Path, *arguments: str | Path) -> None:
    command, *rest = arguments
    offline = ["--no-index"] if command == "install" else []
    subprocess.run([python, "-m", "pip", "-qq", "--no-input", command, *offline, *rest], check=True, timeout=110)


# --- a light start ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("imports", "banned"),
    [
        ("import auricle", HEAVY | {"numpy", "auricle_server", "pipecat", "livekit"}),
        ("import auricle, pipecat_auricle", HEAVY | {"auricle_server"}),
        ("from livekit.plugins import auricle", HEAVY | {"auricle_server"}),
        ("import auricle_server.commands.app", HEAVY | {"numpy", "aiohttp", "pipecat", "livekit"}),
        ("import auricle_server.commands.transcription", HEAVY | {"pipecat", "livekit"}),
        ("import auricle_server.gateway, auricle_server.stream, auricle_server.ipc", HEAVY | {"pipecat", "livekit"}),
        (
            "import auricle_server.gateway.http.app, auricle_server.voice.audio_analyzer",
            HEAVY | {"pipecat", "livekit", "onnxruntime"},
        ),
    ],
)
def test_imports_stay_light(imports: str, banned: set[str]) -> None:
    loaded = run_python(f"{imports}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})")
    assert not banned & set(loaded.split())


# --- the pins --------------------------------------------------------------------------------------------------------


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonical(name): Version(version) for name, version in pairs}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_pins_are_exact_and_have_no_local_versions() -> None:
    assert str(pins()["torch"]) == "2.13.0"
    assert not [name for name, version in pins().items() if version.local]


def test_every_requirement_is_pinned_and_fits() -> None:
    pinned = pins()
    for line in metadata.requires("auricle") or ():
        requirement = Requirement(line)
        if any(extra in str(requirement.marker) for extra in ("nvidia", "litellm")):
            continue  # clients that need older packages than those that are pinned; their tests skip
        assert requirement.specifier.contains(pinned[canonical(requirement.name)]), line


def test_what_is_installed_is_what_is_pinned() -> None:
    pinned = pins()
    installed = {canonical(each.metadata["Name"]): Version(each.version) for each in metadata.distributions()}
    common = set(pinned) & set(installed)
    different = {name for name in common if pinned[name].public != installed[name].public}
    assert not different
    assert len(common) > 100


# --- what is written for people --------------------------------------------------------------------------------------


def sources() -> list[Path]:
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return [ROOT / line for line in tracked.stdout.splitlines() if (ROOT / line).is_file()]


def test_no_path_of_a_machine_is_shipped() -> None:
    folder = re.compile(rb"/(?:home|root|Users|work)/[A-Za-z0-9]")
    guilty = [path for path in sources() if path.stat().st_size < 1_000_000 and folder.search(path.read_bytes())]
    assert guilty == []
