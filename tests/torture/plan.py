"""How much of everything a run does: one factor, its minutes, scales all of it."""

from __future__ import annotations

from dataclasses import dataclass

FULL_MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The amounts of a run; an hour is the whole.

    Attributes:
        minutes: Length of the live calls.
        seed: Of everything random: words, faults, mutations.
        steady_calls: Live calls on the server that hostile clients attack.
        battered_calls: Live calls on the server whose processes are killed.
        answer_timeout: Of the callers' clients, see `ClientOptions`; the default is that of every client. On a machine
            that is busy with other things, a server may be slow without being gone.
    """

    minutes: float = FULL_MINUTES
    seed: int = 1
    steady_calls: int = 16
    battered_calls: int = 8
    answer_timeout: float = 5.0

    @property
    def seconds(self) -> float:
        """Length of the live calls."""
        return self.minutes * 60

    def scaled(self, amount: int) -> int:
        """This much of an hour's amount; at least one."""
        return max(1, round(amount * self.minutes / FULL_MINUTES))

    def share(self, part: float) -> float:
        """Seconds that a part of the run takes."""
        return part * self.seconds


@dataclass(frozen=True, slots=True)
class Target:
    """What a hostile trial attacks, and how much of it.

    Attributes:
        url: Of the server.
        amount: Streams, cuts, messages, requests: whatever the trial counts.
        seconds: Time over which the amount is spread; a trial that is slower takes longer.
        seed: Of what is random in the trial.
        address: Loopback address that the trial's own sockets come from, so that bounds for each address tell them
            from the callers.
        answer_timeout: Of the trial's clients, as in `Plan`.
        riva: Address of the server's port for clients of Riva; empty where it has none.
    """

    url: str
    amount: int
    seconds: float
    seed: int
    address: str = "127.0.0.1"
    answer_timeout: float = 5.0
    riva: str = ""

    @property
    def host(self) -> str:
        """Host of the server."""
        return self.url.removeprefix("ws://").rpartition(":")[0]

    @property
    def port(self) -> int:
        """Port of the server."""
        return int(self.url.rpartition(":")[2])
