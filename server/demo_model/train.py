"""Training within a wall-clock budget: frame labels, then CTC, then RNNT; averaged weights at the end."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from demo_model import export, schedule, tokenizer
from demo_model.audio import mixing
from demo_model.corpus.feeder import Feeder, FeederOptions, held_out, training_batches
from demo_model.dataset import TrainingBatch, TrainingExample, collate
from demo_model.evaluate import evaluate
from demo_model.network.band import band_starts, banded_loss, in_band, next_tokens
from demo_model.network.losses import blank_and_next
from demo_model.network.model import DemoModel, Shape, phone_loss
from demo_model.optimisers import Optimisers

DEV_EXAMPLES = 100
STATE_FILE = "state.pt"
EMA_DECAY, FALLING_EMA_DECAY = 0.9995, 0.998
"""Of the averaged weights: at a steady rate they follow over 2,000 steps, in place of a falling rate; where it falls,
over 500."""
TARGET_STEP = 4
BAND_TOKENS = 10
"""Tokens that each frame is scored at: as good as all of them, in a quarter of the time."""
LINES_A_STEP = 32
REPORT_SECONDS, SAVE_SECONDS, DEV_SECONDS = 30.0, 240.0, 900.0


@dataclass
class TrainingOptions:
    """Options of a training.

    Attributes:
        data: Folder of the tokenizer and, in ``corpus``, of the shards.
        out: Folder of the state.
        budget: Minutes, and those of the falling learning rate among them.
        feeder: What the batches are made of.
        resume: A state to go on from.
        start_from: An archive whose encoder the training goes on from.
        lines: Sentences, spoken or not, whose words the prediction network learns to expect.
    """

    data: Path
    out: Path
    budget: schedule.TrainingBudget
    feeder: FeederOptions
    device: str = "cpu"
    peak_rate: float = schedule.PEAK_RATE
    bf16: bool = False
    resume: Path | None = None
    seed: int = 0
    shape: Shape = field(default_factory=Shape)
    start_from: Path | None = None
    lines: Sequence[str] = ()

    @property
    def stages(self) -> tuple[schedule.TrainingStage, ...]:
        """The stages of the schedule."""
        return schedule.STAGES if self.start_from is None else schedule.CONTINUED


class Trainer:
    """A model, its averaged copy, its optimisers and the time used so far."""

    def __init__(self, options: TrainingOptions) -> None:
        self.options = options
        self.rng = random.Random(options.seed)
        torch.manual_seed(options.seed)
        self.generator = torch.Generator().manual_seed(options.seed)
        self.tokenizer = tokenizer.load(options.data)
        self.model = DemoModel(options.shape)
        self.used, self.steps = 0.0, 0
        self._initialise()
        self.model.to(options.device)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.optimisers = Optimisers(self.model)
        if options.resume is not None:
            self._load(options.resume)

    def _initialise(self) -> None:
        if self.model.prompt_kernel is not None:
            self.model.prompt_kernel.initialise()
        if self.options.start_from is not None:
            export.read(self.model, self.options.start_from)
            return
        examples = next(training_batches(self.options.feeder))
        batch = collate(examples[:32])
        self.model.initialise(batch.mel, batch.mel_lengths)

    @property
    def fraction(self) -> float:
        """The share of the time budget that is used."""
        return self.options.budget.fraction(self.used)

    @property
    def stage(self) -> schedule.TrainingStage:
        """The current stage."""
        return schedule.stage_at(self.fraction, self.steps, self.options.stages)

    def run(self) -> None:
        """Train until the budget is used or the process is asked to end (SIGTERM); print progress.

        The state is written into the output folder every few minutes and at the end.
        """
        stopping = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        feeding = replace(self.options.feeder, seed=self.options.feeder.seed + self.steps)
        with Feeder(feeding) as feeder:
            reported = saved = self.used
            tested = self.used - DEV_SECONDS / 2
            sums: dict[str, float] = {}
            clock = time.monotonic()
            while self.fraction < 1 and not stopping.is_set():
                feeder.set_clean_only(self.stage.clean_only)
                losses = self.step(*self._batch(feeder.next_batch()))
                sums = {name: sums.get(name, value) * 0.95 + value * 0.05 for name, value in losses.items()}
                now = time.monotonic()
                self.used, clock = self.used + now - clock, now
                if self.used - reported > REPORT_SECONDS:
                    reported = self.used
                    self._report(sums)
                if self.used - saved > SAVE_SECONDS:
                    saved = self.used
                    self.save()
                if self.used - tested > DEV_SECONDS:
                    tested = self.used
                    self._test()
        self.save()
        if not stopping.is_set():
            self._test()

    def _batch(self, examples: list[TrainingExample]) -> tuple[TrainingBatch, Tensor | None]:
        """A batch, and its language prompts if the network has any."""
        if not self.options.shape.prompts:
            return collate(examples), None
        return mixing.draw(examples, self.rng)

    def step(self, batch: TrainingBatch, prompts: Tensor | None = None) -> dict[str, float]:
        """One optimiser step; the losses by name."""
        stage = self.stage
        rate = self.options.budget.rate(self.used, self.steps, self.options.peak_rate)
        self.model.train()
        losses = self._losses(batch, prompts, stage)
        total = torch.stack([value * getattr(stage, name) for name, value in losses.items()]).sum()
        norm = self.optimisers.step(total, rate)
        self.steps += 1
        self._average()
        return {name: float(value.detach()) for name, value in losses.items()} | {"norm": norm}

    def _losses(self, batch: TrainingBatch, prompts: Tensor | None, stage: schedule.TrainingStage) -> dict[str, Tensor]:
        device = self.options.device
        mel, lengths = batch.mel, batch.mel_lengths
        if stage.spec_augment:
            mel = schedule.spec_augment(mel, lengths, self.generator)
        context = self.rng.choice(self.options.shape.contexts)
        with torch.autocast(device, torch.bfloat16, enabled=self.options.bf16):
            encoded, frames = self.model.encoder(mel.to(device), lengths.to(device), context)
        losses: dict[str, Tensor] = {}
        if stage.phone > 0:
            losses["phone"] = phone_loss(self.model.phone_scores(encoded.float()), batch.labels.to(device))
        if stage.ctc > 0 or stage.rnnt > 0:
            targets, counts = self._targets(batch.texts)
            ctc = self.model.ctc_head(encoded.float()).log_softmax(-1)
            losses["ctc"] = self._ctc(ctc, frames, targets, counts)
            if stage.rnnt > 0:
                starts = band_starts(ctc.detach(), targets, frames, counts, BAND_TOKENS)
                with torch.autocast(device, torch.bfloat16, enabled=self.options.bf16):
                    encoded = self.model.prompted(encoded, None if prompts is None else prompts.to(device))
                    losses["rnnt"] = self._rnnt(encoded, frames, targets, counts, starts)
                    if self.options.lines:
                        losses["text"] = self._text()
        return losses

    def _targets(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        ids = [torch.tensor(self.tokenizer.encode(text), dtype=torch.long) for text in texts]
        counts = torch.tensor([len(row) for row in ids])
        width = -(-max(1, int(counts.max())) // TARGET_STEP) * TARGET_STEP
        targets = torch.stack([torch.nn.functional.pad(row, (0, width - len(row))) for row in ids])
        return targets.to(self.options.device), counts.to(self.options.device)

    def _ctc(self, scores: Tensor, frames: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
        """CTC loss per token of the batch, from log-probabilities [B, T, tokens + 1]."""
        blank = self.model.shape.tokens
        lost = torch.nn.functional.ctc_loss(
            scores.transpose(0, 1), targets, frames, counts, blank, "none", zero_infinity=True
        )
        return lost.sum() / counts.sum().clamp(min=1)

    def _rnnt(self, encoded: Tensor, frames: Tensor, targets: Tensor, counts: Tensor, starts: Tensor) -> Tensor:
        """RNNT loss per token of the batch, within the bands."""
        blank = torch.full_like(targets[:, :1], self.model.shape.tokens)
        predicted, _ = self.model.decoder(torch.cat([blank, targets], 1))
        joint = self.model.joint
        near = in_band(joint.pred(predicted), starts, BAND_TOKENS)
        scores = joint.joint_net(joint.enc(encoded)[:, :, None] + near)
        on_blank, on_next = blank_and_next(scores, next_tokens(targets, starts, BAND_TOKENS))
        lost = banded_loss(on_blank, on_next, starts, frames, counts, targets.shape[1])
        return lost.sum() / counts.sum().clamp(min=1)

    def _text(self) -> Tensor:
        """Loss per token of lines without sound: what the joint network expects next where the encoder is silent."""
        targets, counts = self._targets(self.rng.choices(self.options.lines, k=LINES_A_STEP))
        blank = torch.full_like(targets[:, :1], self.model.shape.tokens)
        predicted, _ = self.model.decoder(torch.cat([blank, targets[:, :-1]], 1))
        silent = predicted.new_zeros(len(targets), 1, self.model.shape.joint)
        scores = self.model.joint(silent, self.model.joint.pred(predicted))[:, 0, :, :-1]
        known = torch.arange(targets.shape[1], device=targets.device)[None] < counts[:, None]
        return torch.nn.functional.cross_entropy(scores[known].float(), targets[known])

    @torch.no_grad()
    def _average(self) -> None:
        longest = FALLING_EMA_DECAY if self.options.budget.falls(self.used) else EMA_DECAY
        decay = min(longest, (1 + self.steps) / (10 + self.steps))
        live = self.model.state_dict()
        for name, value in self.average.items():
            value.lerp_(live[name], 1 - decay)

    def averaged(self) -> DemoModel:
        """A model with the averaged weights."""
        model = DemoModel(self.options.shape)
        model.load_state_dict(self.average)
        return model.to(self.options.device).eval()

    def _report(self, sums: dict[str, float]) -> None:
        parts = " ".join(f"{name} {value:.3f}" for name, value in sums.items())
        at = f"{self.used / 60:6.1f} min {self.fraction:6.1%} step {self.steps}"
        print(f"{at} {self.stage.name}: {parts}", flush=True)

    def _test(self) -> None:
        if self.stage.rnnt == 0:
            return  # an untrained prediction network emits many tokens, which is slow
        model, examples = self.averaged(), held_out(self.options.feeder, "dev")[:DEV_EXAMPLES]
        if not examples:
            return
        contexts = self.options.shape.contexts
        scores = {
            context[1]: evaluate(model, self.tokenizer, examples, context) for context in (contexts[0], contexts[-1])
        }
        words = " ".join(
            f"R={right} {score.wer:.2%} (written {score.written_wer:.2%})" for right, score in scores.items()
        )
        print(f"{self.used / 60:6.1f} min step {self.steps} dev WER {words}", flush=True)

    def save(self) -> None:
        """Write the whole state, atomically, to `STATE_FILE`."""
        self.options.out.mkdir(parents=True, exist_ok=True)
        state = {
            "shape": self.options.shape.as_dict(), "model": self.model.state_dict(), "average": self.average,
            "optimisers": self.optimisers.state_dict(), "used": self.used, "steps": self.steps,
        }  # fmt: skip
        part = self.options.out / "state.part"
        torch.save(state, part)
        part.replace(self.options.out / STATE_FILE)

    def _load(self, path: Path) -> None:
        state = torch.load(path, map_location=self.options.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average = {name: value.to(self.options.device) for name, value in state["average"].items()}
        if "optimisers" in state:  # a snapshot has none
            self.optimisers.load_state_dict(state["optimisers"])
        self.used, self.steps = state["used"], state["steps"]


def load_averaged(path: Path) -> DemoModel:
    """The averaged model of a saved training state, on the CPU."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    model = DemoModel(Shape(**state["shape"]))
    model.load_state_dict(state["average"])
    return model.eval()
