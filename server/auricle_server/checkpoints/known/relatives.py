"""Profiles of other published members of the family, from their cards on the hub."""

from __future__ import annotations

from auricle_server.checkpoints.known.profiles import ModelProfile

_CC_BY = "CC-BY-4.0"
_HYBRID = "its CTC head is not used"

RELATIVES = (
    ModelProfile("nvidia/stt_en_fastconformer_hybrid_large_streaming_multi", _CC_BY, (13, 6, 1, 0), 160, note=_HYBRID),
    ModelProfile("nvidia/stt_en_fastconformer_hybrid_medium_streaming_80ms_pc", _CC_BY, (1,), 160, note=_HYBRID),
    ModelProfile("nvidia/stt_en_fastconformer_hybrid_medium_streaming_80ms", _CC_BY, (1,), 160, note=_HYBRID),
    ModelProfile(
        "nvidia/parakeet_realtime_eou_120m-v1",
        "NVIDIA Open Model License",
        (1,),
        160,
        note="lower case; marks the end of an utterance",
    ),
)
"""They need no settings of their own."""
