"""The held-out sentences as recordings for ``auricle evaluate``: measured through the engine, as live streams."""

from __future__ import annotations

import json
from pathlib import Path

import soundfile

from demo_model.audio.voices import SAMPLE_RATE
from demo_model.corpus.examples import held_out_utterances
from demo_model.corpus.feeder import FeederOptions


def write(options: FeederOptions, folder: Path) -> dict[str, int]:
    """Write a folder with ``manifest.jsonl`` for each kind of shard, clean and not; their numbers of recordings.

    The kinds are those of the shards' names, such as ``neural`` and ``classical``.
    """
    surroundings = options.surroundings(held_out=True)
    rows: dict[str, list[dict[str, str]]] = {}
    for path in sorted(options.folder.glob("test-*.json")):
        kind = path.stem.removeprefix("test-").rsplit("-", 1)[0]
        for index, (made, language) in enumerate(held_out_utterances(path, surroundings)):
            name = f"{kind}-{'clean' if made.condition.clean else 'disturbed'}"
            file = folder / name / f"{path.stem[-5:]}-{index:03d}.flac"
            file.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(file, made.audio, SAMPLE_RATE)
            row = {"audio": file.name, "text": made.text, "language": language, "speaker": made.voice}
            rows.setdefault(name, []).append(row)
    for name, recordings in rows.items():
        lines = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in recordings)
        (folder / name / "manifest.jsonl").write_text(lines, "utf-8")
    return {name: len(recordings) for name, recordings in rows.items()}
