from __future__ import annotations

from auricle_server.engine.scheduling.commands import Commands, FlushCommand, StreamSettings


def test_commands_wait_in_order_and_the_first_is_the_barrier() -> None:
    commands = Commands(3)
    settings, flush = StreamSettings(2, 0), FlushCommand(7, False)
    nothing = commands.barrier[2]
    commands.put(2, 100, settings)
    commands.put(2, 160, flush)
    assert commands.barrier.tolist() == [nothing, nothing, 100, nothing]
    assert commands.first(2) == (100, settings)
    assert commands.settings(2) == [settings]
    commands.pop(2)
    assert (commands.first(2), commands.barrier[2]) == ((160, flush), 160)
    commands.pop(2)
    assert (commands.first(2), commands.barrier[2]) == (None, nothing)


def test_a_cleared_slot_has_no_commands() -> None:
    commands = Commands(3)
    commands.put(1, 5, StreamSettings(1, 0))
    commands.clear(1)
    assert (commands.first(1), commands.settings(1)) == (None, [])
    assert commands.barrier[1] > 1 << 60
