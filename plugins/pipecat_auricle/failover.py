"""Failover by Pipecat: a `ServiceSwitcher` goes on with another service, which gets what this one has not answered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Any, Literal

from loguru import logger
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.service_switcher import ServiceSwitcher, ServiceSwitcherStrategy
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

FailoverMode = Literal["auto", "service", "framework"]
"""Who decides when the service's servers are given up.

``"service"``: the service, which tries its servers again by its `ReconnectPolicy`, and full ones for as long as the
pipeline runs. ``"framework"``: Pipecat. The service reports the first failure as permanent, so that a
`ServiceSwitcher` changes to the next service, which gets the audio that has no final. ``"auto"``: Pipecat within a
`ServiceSwitcher` whose strategy handles errors, otherwise the service.
"""
FAILOVER_MODES: tuple[FailoverMode, ...] = ("auto", "service", "framework")

_SPEECH = (InputAudioRawFrame, VADUserStartedSpeakingFrame, VADUserStoppedSpeakingFrame)
_KEPT_FRAMES = 6_000  # a minute of the shortest that are usual, of 10 ms
_SWITCH_SECONDS = 3.0  # for a strategy of the application's own; Pipecat's changes at once


class Failover:
    """Follows one service: the switcher around it, and the frames that its next service would need.

    Args:
        mode: Who decides.
        service: This service.

    Raises:
        ValueError: `mode` is unknown.
    """

    def __init__(self, mode: FailoverMode, service: FrameProcessor) -> None:
        if mode not in FAILOVER_MODES:
            raise ValueError(f"failover: expected one of {', '.join(FAILOVER_MODES)}, got {mode!r}")
        self._mode = mode
        self._service = service
        self._switcher: ServiceSwitcher[Any] | None = None
        self._frames: deque[tuple[float, Frame]] = deque(maxlen=_KEPT_FRAMES)
        self._voice: Frame | None = None
        self._started = self._given_up = False

    def begin(self, pipeline: FrameProcessor) -> None:
        """A pipeline is set up: looks for the switcher, and forgets the frames of an earlier pipeline."""
        earlier, self._switcher = self._switcher, next(_switchers(pipeline, self._service), None)
        if self._switcher is not None and self._switcher is not earlier:
            self._switcher.strategy.add_event_handler("on_service_switched", self._on_service_switched)
        self._frames.clear()
        self._voice = None
        self._started = self._given_up = False

    @property
    def is_in_reserve(self) -> bool:
        """Whether the switcher uses another service at present."""
        return self._switcher is not None and self._switcher.strategy.active_service is not self._service

    @property
    def fails_fast(self) -> bool:
        """Whether a failure now is one for the framework; a service in reserve goes on trying meanwhile."""
        if self._mode == "auto":
            return self._switcher is not None and _handles_errors(self._switcher.strategy) and not self.is_in_reserve
        return self._mode == "framework" and not self.is_in_reserve

    def follow(self, frame: Frame, position: float, settled: float) -> None:
        """Keeps the frames from which no text has come yet.

        Args:
            frame: Any that the service gets.
            position: Seconds of audio that the service has taken, with that of `frame`.
            settled: Seconds of it from which no more text comes; frames are kept from there on.
        """
        self._started = True
        if self._switcher is None or not isinstance(frame, _SPEECH):
            return
        while self._frames and self._frames[0][0] <= settled:
            _, passed = self._frames.popleft()
            self._voice = passed if not isinstance(passed, InputAudioRawFrame) else self._voice
        self._frames.append((position, frame))

    async def hand_over(self) -> bool:
        """The stream is given up; the service that the switcher uses from now on gets the frames.

        Returns:
            Whether the switcher has changed. If it changes later, that service gets what has come until then.
        """
        self._given_up = True
        if not await self._has_switched():
            return False
        await self._give_frames()
        return True

    def forget(self) -> None:
        """The words of the frames so far went down as final, as far as they were shown."""
        self._frames.clear()

    def recover(self) -> None:
        """The service has a stream again."""
        self._given_up = False

    async def _on_service_switched(self, _strategy: ServiceSwitcherStrategy, _service: FrameProcessor) -> None:
        if self._given_up and self.is_in_reserve:
            await self._give_frames()

    async def _give_frames(self) -> None:
        # They are the very frames that went through this service: of a frame that it has passed on once, a switcher
        # drops each further copy, so that no one but the next service gets it twice.
        frames = [frame for _, frame in self._frames]
        # Without it a service that listens between start and stop only would take no audio.
        if frames and isinstance(self._voice, VADUserStartedSpeakingFrame):
            frames.insert(0, self._voice)
        self._frames.clear()
        if self._switcher is None or not frames:
            return
        successor = self._switcher.strategy.active_service
        for frame in frames:
            await successor.queue_frame(frame, FrameDirection.DOWNSTREAM)
        logger.info(f"{self._service}: {successor} goes on, with {len(frames)} frames that had no text yet")

    async def _has_switched(self) -> bool:
        deadline = asyncio.get_running_loop().time() + _SWITCH_SECONDS
        while self._switcher is not None and self._switcher.is_usable:
            if self.is_in_reserve:
                return True
            # Before the start of the pipeline no error reaches the switcher.
            if not self._started or asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(0.01)
        return False


def _switchers(processor: FrameProcessor, service: FrameProcessor) -> Iterator[ServiceSwitcher[Any]]:
    """The switchers in a pipeline that choose between this service and others."""
    if isinstance(processor, ServiceSwitcher) and service in processor.services:
        yield processor
    for inner in processor.processors:
        yield from _switchers(inner, service)


def _handles_errors(strategy: ServiceSwitcherStrategy) -> bool:
    return type(strategy).handle_error is not ServiceSwitcherStrategy.handle_error
