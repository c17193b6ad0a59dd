"""The telephony example calls itself."""

from __future__ import annotations

import re

import pytest

from tests.agent_examples.programs import clip, run, said
from tests.webrtc.clips import likeness

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_a_call_to_itself_is_captioned_and_its_turn_ends_on_the_clock() -> None:
    lines = await run("telephony_mulaw.py", "--file")
    assert lines[0].startswith("A call, in {'encoding': 'audio/x-mulaw', 'sampleRate': 8000")
    assert likeness(said(lines), clip()[1]) > 0.6
    ends = [float(match[1]) for line in lines if (match := re.search(r"turn has ended, (\S+) s after", line))]
    assert ends
    assert all(0.5 <= end < 0.5 + 1.12 for end in ends)
    assert [line for line in lines if line][-1] == "The call is over."
