"""The input side of every stream: audio in, the next row to compute out. No clock, no tensors, no Python per row.

Audio, flushes and changes of settings are kept in the order in which they arrived, on the stream's own sample count, so
what is computed does not depend on when it is computed. All numbers lie in arrays indexed by slot; only flushes and
changes of settings, which are rare, are objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from auricle_server.audio_batch import AudioBatch
from auricle_server.engine.frames import FrameGeometry
from auricle_server.engine.scheduling.active_settings import NO_ROOTS, ActiveSettings
from auricle_server.engine.scheduling.audio_ring import AudioRings
from auricle_server.engine.scheduling.batch_rows import BatchRows, Bools, FlushAnswer, Int64s, ReadyRows, Slots
from auricle_server.engine.scheduling.commands import Commands, FlushCommand, StreamSettings
from auricle_server.engine.scheduling.flush_rows import SILENT_FRAMES, frames_of_flush
from auricle_server.engine.scheduling.restarts import NO_RESTARTS, RestartFrames, Restarts
from auricle_server.engine.types import NO_MARK, LeaseEnded, Pcm


class StreamInputs:
    """Input of the streams in all slots.

    Args:
        geometry: Of the model.
        slots: Highest slot.
        sizes: Chunk sizes in encoder frames, ascending.
        chunk_counts: How many chunks a row of background priority may hold, ascending, 1 left out.
        roots: Root state of each automaton of key terms that is ready, by handle. A stream
            waits for its own.
        restart_frames: Which cures start a stream's state anew.

    Attributes:
        restarts: Where the state of each slot started.
    """

    def __init__(
        self,
        geometry: FrameGeometry,
        slots: int,
        sizes: Sequence[int],
        chunk_counts: Sequence[int] = (),
        roots: Mapping[int, int] = NO_ROOTS,
        restart_frames: RestartFrames = NO_RESTARTS,
    ) -> None:
        self._settings = ActiveSettings(slots, roots)
        self._geometry = geometry
        self._sizes = sizes
        self._chunk_counts = chunk_counts
        self._chunks = np.ones(slots + 1, np.int64)
        """Chunks of each slot's next row."""
        longest = sizes[-1] * max((1, *chunk_counts))
        self.restarts = Restarts(slots, restart_frames, sizes)
        self._audio = AudioRings(geometry, slots, longest, restart_frames.kept(longest))
        self._position = np.zeros(slots + 1, np.int64)
        self._consumed = np.zeros(slots + 1, np.int64)
        self._flushed = np.zeros(slots + 1, np.int64)
        """Samples of the stream at each slot's last flush."""
        self._flush_frames = np.zeros(slots + 1, np.int64)
        """Encoder frames of each slot's next row where that is a flush, else 0."""
        self._row_frames = np.zeros(slots + 1, np.int64)
        """Encoder frames of each slot's next row where that is no flush."""
        self._reach = longest * geometry.frame_samples
        """Samples of the longest row: a command further ahead than this cannot concern the next one."""
        self._commands = Commands(slots)
        self._ending: set[int] = set()

    # --- input -----------------------------------------------------------------------------------------------

    def open(self, slot: int, settings: StreamSettings) -> None:
        """Starts a stream in a slot that is free."""
        released = self.close(slot)
        assert not released, "a slot is closed before it is opened again"
        self._audio.reset(slot)
        self.restarts.open(slot)
        self._position[slot] = self._consumed[slot] = self._flushed[slot] = self._flush_frames[slot] = 0
        self._chunks[slot] = 1
        self._settings.open(slot, settings)

    def set_most_chunks(self, slot: int, most: int) -> None:
        """Lets the next row of a stream in the largest chunks hold all its audio, in at most `most` chunks.

        No row reaches beyond a command or a prompt that waits, so that it takes effect where it would in any stream.
        """
        self._chunks[slot] = 1
        position, frames = int(self._position[slot]), int(self._settings.frames[slot])
        available = min(self._audio.received[slot], self._commands.barrier[slot])
        steady = frames == self._sizes[-1] and not self._settings.prompt_pending(slot)
        most = min(most, self.restarts.most_chunks(slot, position, frames)) if self.restarts.active else most
        for chunks in self._chunk_counts if steady else ():
            if chunks <= most and self._geometry.chunk_end(position, chunks * frames) <= available:
                self._chunks[slot] = chunks

    def close(self, slot: int) -> list[int]:
        """Drops what the slot has queued. Returns the handles of key terms that the stream no longer uses."""
        released = self._settings.close(slot, self._commands.settings(slot))
        self._commands.clear(slot)
        self._ending.discard(slot)
        return released

    def push(self, slot: int, pcm: Pcm) -> None:
        """Appends audio, 16 kHz mono."""
        self.require_open(slot)
        self._audio.append(slot, pcm)

    def push_batch(self, batch: AudioBatch) -> None:
        """Appends audio to several streams."""
        if self._ending:
            for slot in self._ending.intersection(batch.slots.tolist()):
                self.require_open(slot)
        self._audio.append_batch(batch)

    def change(self, slot: int, settings: StreamSettings) -> None:
        """Changes settings from the first chunk on that reaches beyond the audio pushed so far.

        The prompt waits until a chunk begins after that audio: a word that a flush has decoded under one prompt must
        not be decoded again under another one, which may find another word.
        """
        self._command(slot, settings)

    def flush(self, slot: int, flush: FlushCommand) -> None:
        """Requests that everything pushed so far is decoded."""
        self._command(slot, flush)
        if flush.last:
            self._ending.add(slot)

    def latest_settings(self, slot: int) -> StreamSettings:
        """The settings that will be in force once all that is queued has been computed."""
        queued = self._commands.settings(slot)
        return queued[-1] if queued else self._settings.latest(slot)

    def pending_samples(self, slot: int) -> int:
        """Audio received but not computed yet."""
        return int(self._audio.received[slot] - self._consumed[slot])

    def _command(self, slot: int, command: StreamSettings | FlushCommand) -> None:
        self.require_open(slot)
        self._commands.put(slot, int(self._audio.received[slot]), command)

    def require_open(self, slot: int) -> None:
        """Raises `LeaseEnded` after a stream's last flush."""
        if slot in self._ending:
            raise LeaseEnded("the stream's last flush is already queued; open a new stream")

    # --- ready rows --------------------------------------------------------------------------------------------------

    def terms_ready(self, terms: int) -> Int64s:
        """Takes note that an automaton of key terms is ready. Returns the slots that have waited for it."""
        return self._settings.terms_ready(terms)

    def terms_awaited(self, terms: int) -> bool:
        """Whether a stream waits for an automaton of key terms."""
        return self._settings.terms_awaited(terms)

    def restart(self, slot: int) -> None:
        """Starts the state of a stream anew, at the target that was asked for: see `restarts`."""
        earliest = self._audio.first_kept(slot)
        self._position[slot] = self.restarts.restart(slot, int(self._position[slot]), earliest)
        self._chunks[slot] = 1
        self._settings.restart(slot)

    def ready(self, slots: Slots) -> ReadyRows:
        """The rows that n slots have to compute next, and the flushes that need no computing."""
        frames = self._settings.frames[slots] * self._chunks[slots]
        waiting = self._settings.waiting[slots]
        if self.restarts.active:
            waiting = waiting | self.restarts.held[slots]
            for index in np.flatnonzero(self.restarts.decodes_again(slots, self._position[slots])).tolist():
                frames[index] = self._row(int(slots[index]))
        self._row_frames[slots] = frames
        end = self._geometry.chunk_end(self._position[slots], frames)
        # Most slots have no command near: only these few are worth a loop in Python.
        near_command = (end + self._reach > self._commands.barrier[slots]) & ~waiting
        frames = np.where((end <= self._audio.received[slots]) & ~waiting, frames, 0)
        urgent = np.zeros(len(slots), np.bool_)
        answers: list[FlushAnswer] = []
        released: list[int] = []
        for index in np.flatnonzero(near_command).tolist():
            frames[index], urgent[index] = self._resolve(int(slots[index]), answers, released)
        return ReadyRows(frames, urgent, answers, released)

    def _resolve(self, slot: int, answers: list[FlushAnswer], released: list[int]) -> tuple[int, bool]:
        """Executes the commands of a slot up to its next row.

        Args:
            slot: Slot of the stream.
            answers: Gets the flushes that need no computing.
            released: Gets the handles of key terms that the stream no longer uses.

        Returns:
            Encoder frames of the row, 0 when nothing is ready; and whether it is a flush.
        """
        while (first := self._commands.first(slot)) is not None:
            at, command = first
            if isinstance(command, FlushCommand) and (frames := self._frames_of_flush(slot, at, command)):
                self._flush_frames[slot], self._chunks[slot] = frames, 1
                return frames, True
            # A second flush without audio since the first finds nothing new.
            answered = isinstance(command, FlushCommand) and at == self._flushed[slot]
            if self._chunk_end(slot) <= at and not answered:
                return int(self._row_frames[slot]), isinstance(command, FlushCommand)
            if isinstance(command, StreamSettings):
                released += self._apply(slot, command, at)
            else:
                self._consumed[slot] = at
                answers.append(FlushAnswer(slot, command, at))
            self._commands.pop(slot)
            if self._settings.waiting[slot]:
                return 0, False
        ready = self._chunk_end(slot) <= self._audio.received[slot]
        return int(self._row_frames[slot]) if ready else 0, False

    def _row(self, slot: int) -> int:
        """Encoder frames of the slot's next row, unless that is a flush."""
        position, frames = int(self._position[slot]), int(self._settings.frames[slot] * self._chunks[slot])
        return self.restarts.row_frames(slot, position, frames)

    def _frames_of_flush(self, slot: int, at: int, flush: FlushCommand) -> int:
        """See `frames_of_flush`."""
        if at == self._flushed[slot]:
            return 0
        pending = int(self._geometry.encoder_frames(at) - self._position[slot])
        whole = self._chunk_end(slot) <= at
        return frames_of_flush(pending, int(self._row_frames[slot]), self._sizes, whole=whole, last=flush.last)

    def _apply(self, slot: int, settings: StreamSettings, at: int) -> list[int]:
        released = self._settings.apply(slot, settings, at)
        self._row_frames[slot] = self._row(slot)
        self._switch_prompts(np.array([slot]))
        return released

    def _switch_prompts(self, slots: Int64s) -> None:
        begin = np.maximum(self._geometry.input_start(self._position[slots]), 0)
        self._settings.switch_prompts(slots, begin)

    def _chunk_end(self, slot: int) -> int:
        return int(self._geometry.chunk_end(self._position[slot], self._row_frames[slot]))

    # --- taking rows -------------------------------------------------------------------------------------------------

    def take(self, slots: Int64s) -> BatchRows:
        """Takes the ready rows of slots that share a chunk size, [B]; the streams advance past them."""
        position, flushed = self._position[slots], self._flush_frames[slots]
        whole = flushed == 0
        chunks = int(self._chunks[slots[0]])
        frames = int(flushed[0] or self._row_frames[slots[0]])
        chunk_end = self._geometry.chunk_end(position, self._row_frames[slots])
        if self.restarts.active:  # a row of audio that is decoded again rests on all that was decoded before it
            again = self.restarts.decodes_again(slots, position)
            chunk_end = np.where(again, np.maximum(chunk_end, self._consumed[slots]), chunk_end)
        samples = np.where(whole, chunk_end, self._commands.barrier[slots])
        marks, ended = self._flushes(slots, whole)
        end = samples + np.where(whole | ended, 0, SILENT_FRAMES * self._geometry.frame_samples)
        last = np.where(whole, frames, np.minimum(frames, self._geometry.encoder_frames(end) - position))
        last_audio_frame = np.where(whole, position + frames, self._geometry.encoder_frames(samples)) - 1
        prompt, terms = self._settings.prompt[slots], self._settings.terms(slots, whole)
        self._flush_frames[slots] = 0
        self._flushed[slots] = np.where(whole, self._flushed[slots], samples)
        # A flush may have answered for audio beyond the chunk that is complete only now.
        self._consumed[slots] = np.maximum(self._consumed[slots], samples)
        # A flush leaves the stream where it was: its frames are computed again, with what follows.
        self._position[slots] = np.where(whole, position + frames, position)
        self._switch_prompts(slots)
        columns = samples, end, last, last_audio_frame, whole, marks, ended, prompt, terms
        return BatchRows(frames, slots, position, self.restarts.origin[slots], *columns, chunks)

    def _flushes(self, slots: Int64s, whole: Bools) -> tuple[Int64s, Bools]:
        """Removes the flushes that the rows answer from their queues: their marks, and which are the last ones."""
        marks, ended = np.full(len(slots), NO_MARK, np.int64), np.zeros(len(slots), np.bool_)
        for index in np.flatnonzero(~whole).tolist():
            slot = int(slots[index])
            _, command = self._commands.first(slot) or (0, None)
            assert isinstance(command, FlushCommand), "settings are applied before a row is ready"
            marks[index], ended[index] = command.mark, command.last
            self._commands.pop(slot)
        return marks, ended

    def gather(self, rows: BatchRows, out: Pcm) -> None:
        """Copies the rows' new audio to `out`, [B, c * frame_samples], and gives up what no later chunk needs.

        After the audio of a flushed row there is silence.
        """
        self._audio.gather(rows.slots, rows.position, rows.frames, out)
        for index in np.flatnonzero(~rows.whole).tolist():
            out[index, max(0, int(rows.samples[index] - self._geometry.input_start(rows.position[index]))) :] = 0
        self._audio.release(rows.slots, self._position[rows.slots])
