from __future__ import annotations

import numpy as np

from auricle_server.engine.scheduling.active_settings import ActiveSettings
from auricle_server.engine.scheduling.commands import StreamSettings

SLOT, YES, NO = np.array([2]), np.array([True]), np.array([False])


def opened(settings: StreamSettings, roots: dict[int, int] | None = None) -> ActiveSettings:
    made = ActiveSettings(3, {0: 0} if roots is None else roots)
    made.open(2, settings)
    return made


def test_a_prompt_waits_for_the_chunk_that_begins_after_the_request() -> None:
    settings = opened(StreamSettings(1, 4))
    assert settings.prompt[2] == 4, "the first prompt holds at once"
    settings.apply(2, StreamSettings(7, 9), at=1000)
    assert (settings.frames[2], settings.prompt[2], settings.prompt_pending(2)) == (7, 4, True)
    assert settings.latest(2) == StreamSettings(7, 9)
    settings.switch_prompts(SLOT, np.array([999]))
    assert settings.prompt[2] == 4
    settings.switch_prompts(SLOT, np.array([1000]))
    assert (settings.prompt[2], settings.prompt_pending(2)) == (9, False)


def test_a_stream_waits_for_key_terms_that_are_not_ready() -> None:
    roots = {0: 0}
    settings = opened(StreamSettings(1, 0, terms=5), roots)
    assert settings.waiting[2]
    roots[5] = 77
    assert settings.terms_ready(5).tolist() == [2]
    assert not settings.waiting[2]


def test_an_automaton_starts_at_its_root_until_a_row_is_kept() -> None:
    settings = opened(StreamSettings(1, 0, terms=5), {0: 0, 5: 77})
    assert settings.terms(SLOT, NO).tolist() == [-77]
    assert settings.terms(SLOT, YES).tolist() == [-77]
    assert settings.terms(SLOT, YES).tolist() == [77]


def test_handles_are_returned_once_for_each_use() -> None:
    roots = {0: 0, 5: 77, 6: 99}
    settings = opened(StreamSettings(1, 0, terms=5), roots)
    assert settings.apply(2, StreamSettings(2, 0, terms=5), 0) == []
    assert settings.apply(2, StreamSettings(2, 0, terms=6), 0) == [5]
    assert settings.apply(2, StreamSettings(2, 0), 0) == [6]
    assert settings.apply(2, StreamSettings(2, 0, terms=5), 0) == []
    queued = [StreamSettings(1, 0, terms=terms) for terms in (5, 6, 6, 0, 5)]
    assert settings.close(2, queued) == [5, 6, 5]
    assert settings.close(2, []) == []
