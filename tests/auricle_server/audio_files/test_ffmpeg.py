"""What libsndfile does not read: by ffmpeg where it is installed; elsewhere the error says how."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle_server.audio_files import UnreadableAudio, open_audio, open_descriptor
from tests.auricle_server.audio_files.ffmpeg_program import convert, folder_with_ffmpeg
from tests.auricle_server.audio_files.recordings import RATE, SECONDS, heard, loudness, sweep

M4A = b"\0\0\0\x1cftypM4A \0\0\x02\0M4A isomiso2" + bytes(200)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    stereo = np.stack([sweep(), sweep() / 4], axis=1)
    soundfile.write(tmp_path / "original.wav", stereo, RATE)
    return tmp_path / "original.wav"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", folder_with_ffmpeg(tmp_path / "bin"))


@pytest.fixture
def absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.mark.usefixtures("absent")
@pytest.mark.parametrize("name", ["call.m4a", "no extension", "text.wav"])
def test_without_ffmpeg_the_error_says_how(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"I am no audio" if name == "text.wav" else M4A)
    with pytest.raises(UnreadableAudio, match=r"not audio.*install ffmpeg"), open_audio(str(tmp_path / name)):
        pass


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.m4a", ()),
        ("a.mp4", ()),
        ("a.webm", ("-c:a", "libopus", "-ar", "48000")),
        ("a.wma", ()),
        ("a.mkv", ("-c:a", "aac")),
        ("a.aac", ()),
        ("a.wav", ("-c:a", "adpcm_g722", "-ac", "1")),
    ],
)
def test_ffmpeg_reads_what_libsndfile_does_not(original: Path, name: str, options: tuple[str, ...]) -> None:
    samples = heard(convert(original, original.with_name(name), *options))
    assert len(samples) / RATE == pytest.approx(SECONDS, abs=0.15)
    assert loudness(samples[RATE : 2 * RATE]) == pytest.approx(loudness(sweep()) * 5 / 8, rel=0.15)


@pytest.mark.usefixtures("installed")
def test_each_channel_by_itself(original: Path) -> None:
    with open_audio(str(convert(original, original.with_name("a.m4a")))) as audio:
        assert audio.channels == 2
        assert audio.duration is None
        levels = [loudness(np.frombuffer(b"".join(audio.blocks(each)), "<i2") / 32767) for each in (1, 2)]
        assert audio.duration == pytest.approx(SECONDS, abs=0.1)
    assert levels[0] == pytest.approx(4 * levels[1], rel=0.05)


@pytest.mark.usefixtures("installed")
def test_a_film_without_its_pictures(original: Path) -> None:
    picture = ("-f", "lavfi", "-i", "color=size=64x64:rate=5:duration=3", "-shortest")
    assert len(heard(convert(original, original.with_name("film.mp4"), *picture))) / RATE == pytest.approx(3, abs=0.3)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["-v.m4a", "http:x.m4a", "a b'\"%d.m4a", os.fsdecode(b"caf\xe9.m4a")])
def test_no_name_means_anything_to_ffmpeg(original: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    convert(original, original.with_name("plain.m4a")).rename(original.with_name(name))
    monkeypatch.chdir(original.parent)
    assert len(heard(name)) / RATE == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.usefixtures("installed")
def test_standard_input_may_have_its_table_at_the_end(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = convert(original, original.with_name("a.m4a")).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert len(heard("-")) / RATE == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.usefixtures("installed")
def test_what_is_no_audio_for_ffmpeg_either(tmp_path: Path) -> None:
    for name, content in (("text.wav", b"I am no audio"), ("broken.m4a", M4A)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableAudio, match=r"not audio.*ffmpeg"), open_audio(str(tmp_path / name)):
            pass


@pytest.mark.usefixtures("installed")
def test_a_film_without_sound_is_named(original: Path) -> None:
    silent = convert(
        original,
        original.with_name("silent.mp4"),
        *"-f lavfi -i color=size=64x64:rate=5:duration=1".split(),
        "-map",
        "1:v",
    )
    with pytest.raises(UnreadableAudio, match=r"not audio.*ffmpeg"), open_audio(str(silent)):
        pass


@pytest.mark.usefixtures("installed")
def test_a_playlist_reads_nothing_else(original: Path) -> None:
    """A file that names others, or addresses, as a recording that somebody sent could."""
    playlist = original.with_name("list.m3u8")
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/secret.ts\n")
    with pytest.raises(UnreadableAudio), open_audio(str(playlist)):
        pass


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_bytes(b"\x7fELF no program")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    (tmp_path / "a.m4a").write_bytes(M4A)
    with pytest.raises(UnreadableAudio, match="ffmpeg cannot be started"), open_audio(str(tmp_path / "a.m4a")):
        pass


@pytest.mark.usefixtures("installed")
def test_an_abandoned_reading_leaves_no_process(original: Path) -> None:
    with open_audio(str(convert(original, original.with_name("a.m4a")))) as audio:
        blocks = audio.blocks()
        assert next(blocks) is not None
        blocks.close()
    assert "ffmpeg" not in children()


def children() -> str:
    """The command lines of this process's children; other tests may have left some."""
    found = ""
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parent = (each / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found += (each / "comm").read_text() + (each / "cmdline").read_text()
    return found


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["a.m4a", "a.webm", "a.wma", "a.3gp", "a.aac"])
def test_a_recording_without_a_path_may_have_any_usual_container(original: Path, name: str) -> None:
    options = ("-c:a", "aac") if name == "a.3gp" else ()
    with convert(original, original.with_name(name), *options).open("rb") as file:
        pcm = b"".join(open_descriptor(file.fileno(), "upload").blocks())
    assert len(pcm) / 2 / RATE == pytest.approx(SECONDS, abs=0.2)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    "kind", ["ffconcat version 1.0\nfile '{}'\n", "#EXTM3U\n#EXTINF:2,\nfile:{}\n#EXT-X-ENDLIST\n"]
)
def test_a_recording_without_a_path_names_no_other_file(original: Path, tmp_path: Path, kind: str) -> None:
    (tmp_path / "list").write_text(kind.format(original))
    with (tmp_path / "list").open("rb") as file, pytest.raises(UnreadableAudio, match="not audio"):
        open_descriptor(file.fileno(), "upload")
