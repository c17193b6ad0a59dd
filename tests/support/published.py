"""What is known of the two published repositories and their files."""

from __future__ import annotations

from auricle_server.checkpoints.known.lookup import profile_of

REPOSITORIES = {"en": "nvidia/nemotron-speech-streaming-en-0.6b", "3.5": "nvidia/nemotron-3.5-asr-streaming-0.6b"}
TENSORS = {"en": 653, "3.5": 657}
"""In the published archives; the repositories' safetensors lack the features' two."""
VALUES = {"en": 618_118_161, "3.5": 638_030_384}
"""In the archives; that of 3.5 is published, that of en follows from the size of its safetensors."""


def published_bytes(name: str, suffix: str) -> int:
    """Size of the published file of a format."""
    profile = profile_of(REPOSITORIES[name])
    assert profile is not None
    return next(file.size for file in profile.files if file.suffix == suffix)
