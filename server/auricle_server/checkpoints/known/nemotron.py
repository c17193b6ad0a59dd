"""Profiles of the two models for which Auricle was made: NVIDIA's Nemotron streaming checkpoints of 0.6 B parameters.

Sources: the model cards and the file listings on the hub (https://huggingface.co/nvidia/...), read on 2026-11-29;
what people report, where each `KnownIll` says. The weights themselves have not been loaded by us: replicas of the same
configuration, names and sizes have.
"""

from __future__ import annotations

from dataclasses import replace

from auricle_server.checkpoints.hub.short_names import NEMOTRON_3_5, NEMOTRON_EN
from auricle_server.checkpoints.known.profiles import KnownIll, ModelProfile, PublishedFile, PublishedWordErrors
from auricle_server.checkpoints.languages import ENGLISH_ONLY, TRAINED
from auricle_server.cures import Cures

CURES = Cures(
    # One chunk of the longest latency: silence before the first audio of a stream.
    warm_up_seconds=1.12,
    refresh_seconds=20.0,
    watch_seconds=2.0,
    # Off: a threshold would have to be measured on the published weights.
    hold_back_confidence=0.0,
    hold_back_voice=0.0,
)

_ILLS = (
    KnownIll(
        "first word",
        "The first word of a stream is wrong more often when speech begins at once: in 34 % of clips in another port, "
        "and in 23 % with silence in front.",
        "warm-up: silence precedes the first audio of a stream",
        "FluidAudio#641, NeMo-Speech.cpp#46",
    ),
    KnownIll(
        "blank sticking",
        "After a sentence the decoder emits nothing any more, and single words are lost.",
        "refresh after a pause; watch: speech without a word is decoded again from a fresh state",
        "parakeet-rs#59, FluidAudio#838, FluidAudio#865, Handy#2125",
    ),
    KnownIll(
        "deaf after silence",
        "After long digital silence nothing is recognised any more.",
        "refresh after a pause; watch",
        "NeMo-Speech.cpp#48",
    ),
    KnownIll(
        "punctuation stops",
        "In long audio the model stops writing punctuation.",
        "none of its own; a refresh after a pause starts the context anew",
        "NeMo#15640, FluidAudio#597",
    ),
    KnownIll(
        "late mark",
        "A punctuation mark that comes late appears at the start of the next final.",
        "always: a final decodes on a copy of the state, and a mark that comes after it is dropped",
        "NeMo-Speech.cpp#22, NeMo-Speech.cpp#40",
    ),
    KnownIll(
        "last words",
        "The last words of a recording are lost.",
        "always: a final includes the incomplete chunk at the end",
        "transcribe.cpp#145, audio.cpp#582",
    ),
    KnownIll(
        "words in noise",
        "Noise without speech is transcribed as words.",
        "hold-back, off: its threshold has not been measured on these weights",
        "the card of a fine-tuned model, voice-agent#24",
    ),
)
"""What is reported of both models. That ports are wrong at 80 and 160 ms (FluidAudio, sherpa-onnx#3782) is no ill of
the models: the parity tests compare every latency with NeMo."""

_ENGLISH_ERRORS = "average of the Open ASR sets"

ENGLISH = ModelProfile(
    NEMOTRON_EN,
    # A later page names OpenMDW-1.1; the card names this one.
    "NVIDIA Open Model License",
    right_contexts=(13, 6, 1, 0),
    version="March 2026",
    # The checkpoint's own default is 1120 ms; for a conversation this is the better trade.
    default_latency_ms=160,
    languages=ENGLISH_ONLY,
    files=(PublishedFile(".nemo", 2_473_041_920), PublishedFile(".safetensors", 2_472_413_604)),
    word_errors=PublishedWordErrors({1120: 6.93, 560: 7.07, 160: 7.67, 80: 8.43}, _ENGLISH_ERRORS, "March 2026"),
    advice=(
        "160 ms for conversation; 560 or 1120 ms for captions and weak machines",
        'refine "auto" for finals as accurate as at 1120 ms',
    ),
    ills=(*_ILLS, KnownIll("numbers", "Numbers are spelled out as words.", "", "discussions on the model's page")),
    cures=CURES,
)

ENGLISH_JANUARY = replace(
    ENGLISH,
    revision="nemotron-speech-streaming-jan2026",
    version="January 2026",
    # The listing of this branch was not read.
    files=(),
    word_errors=PublishedWordErrors({1120: 7.16, 560: 7.22, 160: 7.84, 80: 8.53}, _ENGLISH_ERRORS, "January 2026"),
    ills=_ILLS,
    note="the first release",
)

TO_ADAPT = frozenset(("el-GR", "he-IL", "lt-LT", "lv-LV", "mt-MT", "nn-NO", "sl-SI", "th-TH"))
"""Locales that the multilingual model's card calls adaptation-ready: they need fine-tuning."""

MULTILINGUAL = ModelProfile(
    NEMOTRON_3_5,
    "OpenMDW-1.1",
    right_contexts=(3, 0, 6, 13),
    # The card names 160 ms, as [56, 1].
    added_right_contexts=(1,),
    # The checkpoint's first context, and its `default_num_lookahead_tokens` of 3.
    default_latency_ms=320,
    languages=tuple(sorted(TRAINED)),
    languages_to_adapt=TO_ADAPT,
    files=(PublishedFile(".nemo", 2_368_284_501, gzipped=True), PublishedFile(".safetensors", 2_552_062_944)),
    advice=(
        "320 ms, the checkpoint's own default",
        "name the language of a stream where it is known: automatic detection is weaker",
    ),
    ills=(
        *_ILLS,
        KnownIll(
            "language tags",
            "Language tags appear in the text.",
            "always: tags become the language of events, and never text",
            "speech-swift#304",
        ),
        KnownIll(
            "language detection",
            'With "auto" the language is detected wrongly at times.',
            "none: name the language",
            "NeMo#15820",
        ),
    ),
    cures=CURES,
    note="language prompt or automatic",
)

NEMOTRON = (ENGLISH, ENGLISH_JANUARY, MULTILINGUAL)
"""Every revision that there is a profile of."""
