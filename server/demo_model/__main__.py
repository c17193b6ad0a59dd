"""The recipe's commands, run from ``server/``: ``python -m demo_model STEP``."""

from __future__ import annotations

import argparse
import json
import os
from importlib.util import find_spec
from pathlib import Path

import torch

from demo_model import export, report, schedule, snapshot, tokenizer, train
from demo_model.corpus import lines
from demo_model.corpus.feeder import FeederOptions, held_out
from demo_model.prompts import TAGS
from demo_model.recipes import RECIPES

PACKAGE = Path(__file__).resolve().parent.parent / "auricle_server"
CLIPS = PACKAGE / "demo" / "audio"
CORPUS = "corpus"
DECAY_SHARE = 0.5


def prepare(arguments: argparse.Namespace) -> None:
    """Train the tokenizer and speak the training text: needs the engines, sentencepiece, soundfile, soxr and scipy."""
    from demo_model.corpus import synthesis  # needs libraries that a machine that only trains may lack

    recipe = RECIPES[arguments.recipe]
    if not (arguments.work / tokenizer.PIECES_FILE).is_file():
        if recipe.snapshot is not None and recipe.snapshot.is_file() and not arguments.afresh:
            snapshot.unpack(recipe.snapshot, arguments.work)
        elif recipe.languages:
            from demo_model.texts import languages

            text = languages.tokenizer_text(lines.by_language(arguments.text, recipe.languages))
            tokenizer.train(arguments.work, recipe.shape.tokens, text, TAGS)
        else:
            english = tokenizer.english_text(lines.read(arguments.text))
            tokenizer.train(arguments.work, recipe.shape.tokens, english)
    synthesis.build(
        synthesis.CorpusPlan(
            arguments.work / CORPUS, tuple(arguments.text), arguments.hours, arguments.workers,
            languages=recipe.languages, classical=arguments.classical,
        )
    )  # fmt: skip


def feeder_options(arguments: argparse.Namespace) -> FeederOptions:
    """What the examples are made of."""
    return FeederOptions(
        arguments.work / CORPUS,
        RECIPES[arguments.recipe].shape.mels,
        arguments.batch_seconds,
        arguments.noise,
        opus=find_spec("av") is not None,
    )


def run_training(arguments: argparse.Namespace) -> None:
    """Train on the prepared folder: needs PyTorch, numpy, soundfile, soxr and scipy, and no network."""
    torch.set_num_threads(arguments.threads)
    recipe = RECIPES[arguments.recipe]
    decay = arguments.minutes * DECAY_SHARE if arguments.decay_minutes is None else arguments.decay_minutes
    state = arguments.work / train.STATE_FILE
    options = train.TrainingOptions(
        data=arguments.work, out=arguments.work, budget=schedule.TrainingBudget(arguments.minutes, decay),
        feeder=feeder_options(arguments), device=arguments.device, peak_rate=arguments.rate, bf16=not arguments.fp32,
        resume=state if arguments.resume and state.is_file() else None, shape=recipe.shape,
        start_from=recipe.start_from, lines=lines.with_tags(arguments.text, recipe.languages),
    )  # fmt: skip
    train.Trainer(options).run()


def run_export(arguments: argparse.Namespace) -> None:
    """Write the averaged weights of the last training state as a NeMo archive."""
    model = train.load_averaged(arguments.work / train.STATE_FILE)
    out = arguments.out or RECIPES[arguments.recipe].archive
    export.write(model, tokenizer.load(arguments.work), arguments.work / tokenizer.MODEL_FILE, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def run_snapshot(arguments: argparse.Namespace) -> None:
    """Write the training so far as one small file, from which another machine goes on."""
    out = arguments.out or RECIPES[arguments.recipe].snapshot or arguments.work / "snapshot.pt"
    snapshot.write(arguments.work, out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def run_evaluation(arguments: argparse.Namespace) -> None:
    """Word error rates on held-out sentences in the four contexts, as JSON."""
    torch.set_num_threads(arguments.threads)
    model = train.load_averaged(arguments.work / train.STATE_FILE)
    examples = held_out(feeder_options(arguments))[: arguments.sentences]
    print(json.dumps(report.measure(model, tokenizer.load(arguments.work), examples), indent=2))


def run_evaluation_set(arguments: argparse.Namespace) -> None:
    """Write the held-out sentences as recordings for ``auricle evaluate``, into ``evaluation`` of the work folder."""
    from demo_model.corpus import evaluation_set

    for name, count in evaluation_set.write(feeder_options(arguments), arguments.work / "evaluation").items():
        print(f"{arguments.work / 'evaluation' / name / 'manifest.jsonl'}: {count} recordings")


def run_clips(arguments: argparse.Namespace) -> None:
    """Write the demo's audio clips."""
    from demo_model.audio import clips  # needs soundfile, which a machine that only trains may lack

    clips.write(arguments.clips, clips.CASTS[arguments.recipe])


def run_all(arguments: argparse.Namespace) -> None:
    """Everything, from nothing to the bundled checkpoint; the demo's clips are English."""
    for step in (prepare, run_training, run_export, run_evaluation):
        step(arguments)
    if not RECIPES[arguments.recipe].languages and arguments.out is None:
        run_clips(arguments)


STEPS = {
    "prepare": prepare, "train": run_training, "export": run_export, "evaluate": run_evaluation, "clips": run_clips,
    "evaluation-set": run_evaluation_set, "snapshot": run_snapshot,
    "all": run_all,
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    out = argparse.ArgumentParser(prog="python -m demo_model", description=__doc__)
    out.add_argument("step", choices=STEPS)
    out.add_argument("--recipe", choices=RECIPES, default="english", help="which of the bundled models")
    out.add_argument("--work", type=Path, default=Path("demo_model_work"), help="folder of data and training state")
    out.add_argument("--text", type=Path, nargs="*", default=[], help="text files of sentences, one in a line")
    out.add_argument("--noise", type=Path, default=None, help="folder of recorded noises, and of rooms in rooms/")
    out.add_argument("--hours", type=float, default=20.0, help="hours of speech to synthesise")
    out.add_argument("--classical", action="store_true", help="no neural voices: a fiftieth of the time")
    out.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that synthesise")
    out.add_argument("--minutes", type=float, default=75.0, help="wall-clock budget of the training, all runs together")
    out.add_argument("--decay-minutes", type=float, default=None, help="the last of them, in which the rate falls")
    out.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    out.add_argument("--threads", type=int, default=torch.get_num_threads())
    out.add_argument("--batch-seconds", type=float, default=80.0, help="seconds of padded audio in a batch")
    out.add_argument("--rate", type=float, default=schedule.PEAK_RATE, help="peak learning rate")
    out.add_argument("--fp32", action="store_true", help="no bf16 autocast")
    out.add_argument("--resume", action="store_true", help="go on from the state in the work folder, if it has one")
    out.add_argument("--afresh", action="store_true", help="begin anew, not with the recipe's snapshot of a training")
    out.add_argument("--sentences", type=int, default=None, help="held-out sentences to evaluate on")
    out.add_argument("--out", type=Path, default=None, help="the archive to write (default: the bundled one)")
    out.add_argument("--clips", type=Path, default=CLIPS, help="folder of the demo's audio clips")
    return out


def main() -> None:
    """Run one step."""
    arguments = parser().parse_args()
    STEPS[arguments.step](arguments)


if __name__ == "__main__":
    main()
