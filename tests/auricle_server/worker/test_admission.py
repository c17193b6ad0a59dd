"""Admission: what it learns of an engine, and that the streams it lets in are served."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from auricle_server.worker.admission import SPARE_SHARE, Admission, CostLine, StepCalibration, StepTiming

LATENCIES = (80, 160, 560)
Seconds = Callable[[int, int], float]


def calibrated(max_load: float = 0.8, base: float = 0.004, per_row: float = 0.0001) -> Admission:
    steps = tuple(StepTiming(each, rows, base + per_row * rows) for each in LATENCIES for rows in (1, 64))
    return Admission(LATENCIES, max_load, StepCalibration(steps))


def admitted(admission: Admission, latency_ms: int, most: int = 10_000) -> int:
    for count in range(most):
        if not admission.fits(latency_ms):
            return count
        admission.add(latency_ms)
    return most


# --- the line --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_a_line_is_found_in_noise(seed: int) -> None:
    rng, line = random.Random(seed), CostLine()
    for _ in range(500):
        rows = rng.randint(1, 200)
        line.observe(rows, (0.005 + 0.0002 * rows) * rng.uniform(0.9, 1.1))
    assert line.seconds(400) == pytest.approx(0.085, rel=0.1)
    assert line.base == pytest.approx(0.005, rel=0.3)


def test_one_size_of_steps_is_enough_for_a_careful_guess() -> None:
    line = CostLine()
    for _ in range(100):
        line.observe(10, 0.006)
    assert line.seconds(10) == pytest.approx(0.006, rel=0.01)
    assert line.seconds(100) == pytest.approx(0.06, rel=0.01)  # too much rather than too little


def test_hiccups_hardly_move_the_line() -> None:
    line = CostLine()
    for number in range(400):
        line.observe(10, 5.0 if number % 40 == 39 else 0.006)
    assert line.seconds(10) == pytest.approx(0.006, rel=0.05)


def test_a_lasting_change_moves_it_all_the_way() -> None:
    line = CostLine()
    line.calibrate(1, 0.0051)
    line.calibrate(64, 0.0114)
    for _ in range(3000):
        line.observe(50, 0.05)
    assert line.seconds(50) == pytest.approx(0.05, rel=0.05)


def test_what_was_calibrated_holds_the_line_where_no_step_has_been() -> None:
    line = CostLine()
    line.calibrate(1, 0.0051)
    line.calibrate(512, 0.0562)
    rng = random.Random(1)
    for _ in range(5000):
        line.observe(rng.choice((2, 3)), rng.uniform(0.0050, 0.0056))
    assert line.seconds(512) == pytest.approx(0.056, rel=0.1)


def test_a_line_never_slopes_down_nor_starts_below_nothing() -> None:
    falling, steep = CostLine(), CostLine()
    for rows, seconds in ((1, 0.010), (100, 0.005)):
        falling.calibrate(rows, seconds)
    for rows, seconds in ((10, 0.001), (100, 0.1)):
        steep.calibrate(rows, seconds)
    assert falling.per_row == 0.0
    assert falling.base > 0
    assert steep.base == 0.0
    assert steep.per_row > 0


# --- the decision ----------------------------------------------------------------------------------------------------


def test_the_load_is_the_time_of_a_step_over_all_in_proportion_to_the_chunk() -> None:
    admission = calibrated()
    for _ in range(100):
        admission.add(80)
        admission.add(160)
    assert admission.load == pytest.approx(0.014 / 0.08 + 0.014 / 0.16, rel=0.01)


@pytest.mark.parametrize("latency_ms", LATENCIES)
def test_streams_are_taken_up_to_the_bound(latency_ms: int) -> None:
    expected = (0.8 * latency_ms / 1000 - 0.004) / 0.0001
    admission = calibrated()
    assert admission.capacity(latency_ms, 10_000) == pytest.approx(expected, rel=0.01)
    assert admitted(admission, latency_ms) == admission.capacity(latency_ms, 10_000)
    admission.remove(latency_ms)
    assert admission.fits(latency_ms)


def test_slots_bound_the_capacity_too() -> None:
    assert calibrated().capacity(80, 64) == 64


def test_a_stream_of_long_chunks_fits_where_one_of_short_chunks_does_not() -> None:
    admission = calibrated(base=0.0, per_row=0.00013)
    assert admitted(admission, 80) == 492
    assert admission.fits(560)
    admission.add(560)
    assert not admission.fits(80)
    assert not admission.fits(80, instead_of=560)
    assert admission.fits(560, instead_of=80)


def test_a_change_to_what_costs_less_always_fits() -> None:
    admission = calibrated()
    for _ in range(2000):
        admission.add(80)
        admission.add(560)
    assert admission.load > 1
    assert admission.fits(560, instead_of=80)
    assert not admission.fits(80, instead_of=560)


def test_the_first_stream_always_fits_and_without_a_bound_all_do() -> None:
    slow = calibrated(base=1.0)
    assert slow.capacity(80, 10) == 1
    assert admitted(slow, 80) == 1
    assert admitted(calibrated(max_load=0.0), 80, most=5000) == 5000
    assert calibrated(max_load=0.0).capacity(80, 5000) == 5000


def test_more_streams_than_a_step_has_rows_need_several_steps() -> None:
    steps = (StepTiming(80, 1, 0.0041), StepTiming(80, 64, 0.0104))
    admission = Admission(LATENCIES, 0.8, StepCalibration(steps, {80: 64}))
    for _ in range(128):
        admission.add(80)
    assert admission.load == pytest.approx((2 * 0.004 + 128 * 0.0001) / 0.08, rel=0.01)
    admission.add(80)
    assert admission.load == pytest.approx((3 * 0.004 + 129 * 0.0001) / 0.08, rel=0.01)


def test_what_was_never_measured_is_bounded_by_slots_alone() -> None:
    admission = Admission(LATENCIES, 0.8)
    assert admission.load == 0
    assert admission.capacity(80, 7) == 7
    admission.observe(StepTiming(80, 1, 0.03))
    assert admitted(admission, 80) == 2


# --- simulated engines: the streams that were let in are served in time ----------------------------------------------


@dataclass
class Simulation:
    """An engine that computes whatever is ready, class by class, on a clock of its own, for streams of random phase."""

    seconds: Seconds
    admission: Admission
    rng: random.Random
    now: float = 0.0
    due: dict[int, list[float]] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)

    def join(self, latency_ms: int) -> bool:
        if not self.admission.fits(latency_ms):
            return False
        self.admission.add(latency_ms)
        self.due.setdefault(latency_ms, []).append(self.now + self.rng.random() * latency_ms / 1000)
        return True

    def step(self) -> None:
        first = {latency: min(due) for latency, due in self.due.items()}
        self.now = max(self.now, min(first.values()))
        ready = [latency for latency, since in first.items() if since <= self.now]
        latency = min(ready, key=lambda each: first[each] + each / 1000)
        rows = [index for index, due in enumerate(self.due[latency]) if due <= self.now]
        took = self.seconds(latency, len(rows))
        self.now += took
        for index in rows:
            self.waits.append((self.now - self.due[latency][index]) / (latency / 1000))
            self.due[latency][index] += latency / 1000
        self.admission.observe(StepTiming(latency, len(rows), took))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.step()


def smooth(rng: random.Random) -> Seconds:
    return lambda latency, rows: (0.004 + 0.0003 * rows * (latency / 80) ** 0.5) * rng.uniform(0.95, 1.05)


def stairs(rng: random.Random) -> Seconds:
    """Padded to batches of 16, as captured graphs are."""
    return lambda latency, rows: (0.003 + 0.0002 * (-(-rows // 16) * 16)) * rng.uniform(0.95, 1.05)


def jittery(rng: random.Random) -> Seconds:
    return lambda latency, rows: (0.002 + 0.0004 * rows) * (4 if rng.random() < 0.01 else 1)


@pytest.mark.parametrize("machine", [smooth, stairs, jittery])
@pytest.mark.parametrize("mix", [(80,), (560,), (80, 80, 160, 560)])
def test_who_is_let_in_is_served_within_a_chunk(
    machine: Callable[[random.Random], Seconds], mix: tuple[int, ...]
) -> None:
    rng = random.Random(str(mix))
    seconds = machine(rng)
    steps = tuple(StepTiming(each, rows, seconds(each, rows)) for each in LATENCIES for rows in (1, 32))
    simulation = Simulation(seconds, Admission(LATENCIES, 0.8, StepCalibration(steps)), rng)
    for _ in range(3000):
        if not simulation.join(rng.choice(mix)) and not simulation.join(max(mix)):
            break
        if rng.random() < 0.05:
            simulation.run(0.5)
    simulation.run(5.0)
    simulation.waits.clear()
    simulation.run(20.0)
    waits = sorted(simulation.waits)
    assert len(waits) > 1000
    assert waits[int(0.99 * len(waits))] < 2.0  # a row waits for the step under way, then for its own
    assert waits[len(waits) // 2] < 1.0
    assert simulation.admission.load > 0.6  # and the machine is not left idle


def test_an_engine_that_slows_down_takes_nobody_until_it_recovers() -> None:
    rng, slow = random.Random(7), [1.0]
    simulation = Simulation(
        lambda _, rows: slow[0] * (0.004 + 0.0002 * rows),
        Admission(LATENCIES, 0.8, StepCalibration((StepTiming(160, 1, 0.0042), StepTiming(160, 64, 0.0168)))),
        rng,
    )
    for _ in range(200):
        assert simulation.join(160)
    slow[0] = 2.5
    simulation.run(20.0)
    assert not simulation.join(160)
    slow[0] = 1.0
    simulation.run(20.0)
    assert simulation.join(160)


# --- spare lanes -----------------------------------------------------------------------------------------------------


def test_spare_lanes_take_no_streams_place() -> None:
    streams = admitted(calibrated(), 560)
    admission = calibrated()
    while admission.has_spare_time(560):
        admission.add(560, spare=True)
    assert not admission.overloaded
    assert admitted(admission, 560) == streams
    assert admission.overloaded  # now it is for the worker to take the lanes back


def test_there_is_time_to_spare_up_to_a_share_of_what_there_is() -> None:
    admission = calibrated(max_load=0.8)
    while admission.has_spare_time(160):
        admission.add(160, spare=True)
    assert SPARE_SHARE * 0.8 - 0.01 < admission.load <= SPARE_SHARE * 0.8
    admission.add(80)
    assert admission.load > SPARE_SHARE * 0.8
    admission.remove(80)
    admission.remove(160, spare=True)
    assert admission.has_spare_time(160)


def test_without_a_bound_there_is_always_time_to_spare() -> None:
    admission = calibrated(max_load=0.0)
    for _ in range(500):
        admission.add(80, spare=True)
    assert admission.has_spare_time(80)
    assert not admission.overloaded
