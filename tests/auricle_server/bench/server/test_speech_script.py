from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from auricle_server.bench.clips import SAMPLE_RATE, load_clips
from auricle_server.bench.server.speech_script import FINALIZE_AFTER, packets_of, script


def test_a_script_is_whole_clips_without_gaps() -> None:
    clips, said = load_clips(), list(script(load_clips(), 3, 60.0))
    assert said[-1].start < 60.0 <= said[-1].start + said[-1].packets * 0.02
    for one, following in pairwise(said):
        assert following.first_packet == one.first_packet + one.packets
    for one in said:
        assert one.packets == len(packets_of(clips[one.clip]))
        finalize_delay = (one.finalize_packet + 1) * 0.02 - one.speech_end
        assert finalize_delay == pytest.approx(FINALIZE_AFTER, abs=0.02)
    assert [one.clip for one in said] != [one.clip for one in script(clips, 4, 60.0)]


def test_packets_are_the_clip_and_silence() -> None:
    clip = load_clips()[0]
    sound = np.frombuffer(b"".join(packets_of(clip)), np.int16)
    assert np.array_equal(sound[: len(clip.pcm)], clip.pcm)
    assert not sound[len(clip.pcm) :].any()
    assert len(sound) % (SAMPLE_RATE // 50) == 0
