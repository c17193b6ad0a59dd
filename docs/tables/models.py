"""What the profiles of published models determine. Imports neither torch nor numpy."""

from __future__ import annotations

from auricle_server.checkpoints.known.nemotron import NEMOTRON
from auricle_server.checkpoints.known.profiles import KnownIll, ModelProfile
from docs.tables import table


def published_table() -> str:
    """The published models for which Auricle was made, one column for each revision."""
    rows: list[list[str]] = [
        ["Revision", *(_revision(profile) for profile in NEMOTRON)],
        ["Licence", *(profile.licence for profile in NEMOTRON)],
        ["Files with weights", *(_files(profile) for profile in NEMOTRON)],
        ["Chunk latency", *(_latencies(profile) for profile in NEMOTRON)],
        ["Default latency", *(f"{profile.default_latency_ms} ms" for profile in NEMOTRON)],
        ["Word error rate of the card", *(_word_errors(profile) for profile in NEMOTRON)],
        ["Recommended", *("; ".join(profile.advice) for profile in NEMOTRON)],
        ["Languages", *(_languages(profile) for profile in NEMOTRON)],
        ["Cures that are on", *(f"`{profile.cures}`" for profile in NEMOTRON)],
    ]
    return table(["", *(_link(profile) for profile in NEMOTRON)], rows)


def _link(profile: ModelProfile) -> str:
    name = profile.id.partition("/")[2]
    return f"[{name}](https://huggingface.co/{profile.id})"


def _revision(profile: ModelProfile) -> str:
    return f"`{profile.revision}`" + (f", {profile.version}" if profile.version else "")


def _files(profile: ModelProfile) -> str:
    files = [
        f"`{file.suffix}`{', gzipped' if file.gzipped else ''}: {file.size:,} bytes" for file in reversed(profile.files)
    ]
    return "; ".join(files) or "not known to us"


def _latencies(profile: ModelProfile) -> str:
    added = ", ".join(f"{80 * (right + 1)} ms" for right in profile.added_right_contexts)
    own = ", ".join(map(str, profile.latencies_ms)) + " ms"
    return f"{own}; {added} is not in the checkpoint's list, but in its card" if added else own


def _word_errors(profile: ModelProfile) -> str:
    errors = profile.word_errors
    if errors is None:
        return "see the card"
    rates = ", ".join(f"{percent:.2f} % at {latency / 1000:g} s" for latency, percent in errors.percent.items())
    return f"{rates} ({errors.what}, {errors.date})"


def _languages(profile: ModelProfile) -> str:
    if len(profile.languages) == 1:
        return "English"
    adapt = len(profile.languages_to_adapt)
    return f"{len(profile.languages)} locales; {adapt} of them need [fine-tuning first](languages.md#the-40-locales)"


def ills_table() -> str:
    """What people report of the published models, and what is done against it."""
    ills = {ill.name: ill for profile in NEMOTRON for ill in profile.ills}.values()
    return table(
        ["Report", "Models", "What is done", "Where"],
        [[ill.sentence, _models_with(ill), ill.cure or "nothing", ill.reports] for ill in ills],
    )


def _models_with(ill: KnownIll) -> str:
    having = [profile for profile in NEMOTRON if ill in profile.ills]
    if len(having) == len(NEMOTRON):
        return "all"
    return ", ".join(f"{profile.id.partition('/')[2]} {profile.version}".strip() for profile in having)
