from __future__ import annotations

import resource
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hearing_samples import SHARED, piece, write

from pipeline import audio as stage
from pipeline.audio import RATE, Audio, load_audio, loudness_gain, require_speech
from pipeline.errors import AudioError, StoreError
from pipeline.ingest import Found, identify
from pipeline.listening import browser_type
from pipeline.process import process_source
from pipeline.settings import Settings


def tone(seconds: float, channels: int = 1) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    return np.stack([0.3 * np.sin(2 * np.pi * 220 * (k + 1) * t) for k in range(channels)]).astype(np.float32)


def one_line(error: pytest.ExceptionInfo[AudioError], path: Path) -> str:
    text = str(error.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 44100),
        ("a.wav", "pcm_mulaw", 8000),
        ("a.wav", "pcm_f32le", 16000),
        ("a.flac", "flac", 48000),
        ("a.mp3", "libmp3lame", 22050),
        ("a.ogg", "libopus", 48000),
        ("a.m4a", "aac", 44100),
        ("a.mkv", "pcm_u8", 11025),
    ],
)
def test_any_codec_and_rate_becomes_16_khz(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    audio = load_audio(write(tmp_path / name, tone(1.5, 2), codec=codec, rate=rate))
    assert audio.channels == 2
    assert audio.duration_s == pytest.approx(1.5, abs=0.1)
    for channel, hertz in ((0, 220), (1, 440)):
        spectrum = np.abs(np.fft.rfft(audio.read(channel, 0.3, 1.3)))
        assert np.argmax(spectrum) == pytest.approx(hertz, abs=2)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_alaw"),
        ("a.al", "pcm_alaw"),
        ("a.ul", "pcm_mulaw"),
        ("a.au", "pcm_mulaw"),
        ("a.amr", "libopencore_amrnb"),
        ("a.3gp", "libopencore_amrnb"),
        ("a.opus", "libopus"),
        ("a.wav", "g726"),
        ("a.wav", "adpcm_ima_wav"),
        ("a.g722", "g722"),
    ],
)
def test_telephone_codecs(tmp_path: Path, name: str, codec: str) -> None:
    rate = 16_000 if codec == "g722" else 8_000
    audio = load_audio(write(tmp_path / name, tone(1.5), codec=codec, rate=rate))
    assert (audio.channels, audio.duration_s) == (1, pytest.approx(1.5, abs=0.2))
    spectrum = np.abs(np.fft.rfft(audio.read(0, 0.3, 1.3)))
    assert np.argmax(spectrum) == pytest.approx(220, abs=2)


def test_telephone_codecs_that_can_only_be_read(tmp_path: Path) -> None:
    """GSM 06.10: frames of 33 bytes, 20 ms, here the codec's own silence. G.729: 10 bytes, 10 ms, any bits decode."""
    silence = bytes.fromhex(
        "d820a2e15a5000" + "4924924924" + "5000" + "4924924924" + "5000" + "4924924924" + "5000" + "4924924924"
    )
    assert len(silence) == 33
    (tmp_path / "a.gsm").write_bytes(silence * 100)
    (tmp_path / "a.g729").write_bytes(np.random.default_rng(0).bytes(1000))
    quiet, loud = load_audio(tmp_path / "a.gsm"), load_audio(tmp_path / "a.g729")
    assert (quiet.duration_s, loud.duration_s) == (pytest.approx(2.0), pytest.approx(1.0))
    assert np.abs(quiet.read(0)).max() < 0.01 < np.abs(loud.read(0)).max()


def test_surround_is_mixed_to_one_channel(tmp_path: Path) -> None:
    audio = load_audio(write(tmp_path / "a.wav", tone(1.0, 6), codec="pcm_s16le", layout="5.1"))
    assert audio.channels == 1
    assert np.abs(audio.read(0)).max() > 0.05


@pytest.mark.parametrize(("container", "codec"), [("wav", "pcm_mulaw"), ("au", "pcm_mulaw"), ("m4a", "aac")])
def test_a_container_is_that_also_under_a_telephones_name(tmp_path: Path, container: str, codec: str) -> None:
    path = write(tmp_path / f"a.{container}", tone(1.5), codec=codec, rate=8000)
    for name in ("a.ulaw", "a.gsm", "a.sln"):
        path = path.rename(tmp_path / name)
        assert load_audio(path).duration_s == pytest.approx(1.5, abs=0.2)


@pytest.mark.parametrize("channels", [3, 8, 12])
def test_of_a_track_per_person_nobody_is_left_out(tmp_path: Path, channels: int) -> None:
    """As conference recorders write them: which loudspeaker each is for is not said."""
    for person in range(channels):
        path = tmp_path / f"{person}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(RATE)
            samples = np.zeros((RATE, channels), np.int16)
            samples[:, person] = 10_000 * tone(1.0)[0]
            file.writeframes(samples.tobytes())
        audio = load_audio(path)
        assert (audio.channels, audio.frames) == (1, RATE)
        assert np.abs(audio.read(0)).max() == pytest.approx(3000 / 32768 / channels, rel=0.01)


def test_nan_and_overload_are_repaired(tmp_path: Path) -> None:
    samples = tone(1.0)
    samples[0, 100], samples[0, 200] = np.nan, 50.0
    audio = load_audio(write(tmp_path / "a.wav", samples, codec="pcm_f32le"))
    assert np.isfinite(audio.read(0)).all()
    assert np.abs(audio.read(0)).max() <= 1.0


def test_long_recordings_go_to_disk_and_read_back_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.wav", tone(3.0, 2), codec="pcm_s16le")
    kept = load_audio(path)
    monkeypatch.setattr(stage, "_IN_MEMORY", RATE)
    spilled = load_audio(path)
    assert not isinstance(spilled.stores[0], np.ndarray)
    for channel in (0, 1):
        np.testing.assert_array_equal(spilled.read(channel, 0.5, 2.5), kept.read(channel, 0.5, 2.5))
    np.testing.assert_allclose(spilled.mono().read(0), kept.mono().read(0))


def test_a_full_disk_is_not_the_recordings_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.wav", tone(3.0), codec="pcm_s16le")
    monkeypatch.setattr(stage, "_IN_MEMORY", RATE)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError, match="no room for a decoded recording"):
            load_audio(path)
        made = process_source(identify(Found(path), pattern="{account}"), Settings(data=tmp_path / "data"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    # not `input`: that would never be tried again
    assert (made["status"], made["kind"]) == ("failed", "store")


def film(path: Path, *, sound: Sequence[int], seconds: int, codec: str = "aac") -> Path:
    """A film with sound in these of its seconds only."""
    with av.open(str(path), "w") as made:
        pictures: Any = made.add_stream("mpeg4", rate=1)
        pictures.width = pictures.height = 64
        track: Any = made.add_stream(codec, rate=RATE, layout="mono")
        for second in range(seconds):
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            picture.pts = second
            made.mux(pictures.encode(picture))
            if second in sound:
                frame = av.AudioFrame.from_ndarray(tone(1.0), format="fltp", layout="mono")
                frame.sample_rate, frame.pts = RATE, second * RATE
                made.mux(track.encode(frame))
        made.mux(pictures.encode(None))
        made.mux(track.encode(None))
    return path


def test_a_film_that_is_longer_than_its_sound_is_not_cut_off(tmp_path: Path) -> None:
    whole = film(tmp_path / "call.mkv", sound=range(24), seconds=40)
    assert load_audio(whole).duration_s == pytest.approx(24, abs=0.2)
    half = tmp_path / "half.mkv"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(AudioError, match="is cut off"):
        load_audio(half)


def test_sound_stands_where_a_player_plays_it(tmp_path: Path) -> None:
    """A track that begins late, or was muted in between, is neither cut off nor earlier than its film."""
    path = film(tmp_path / "call.mkv", sound=[3, 4, 20], seconds=22, codec="pcm_s16le")
    audio = load_audio(path)
    assert audio.duration_s == pytest.approx(21, abs=0.01)
    loud = [k for k in range(21) if np.abs(audio.read(0, k + 0.1, k + 0.9)).max() > 0.1]
    assert loud == [3, 4, 20]


@pytest.mark.parametrize("suffix", ["mkv", "mov"])
def test_a_recording_may_count_on_from_a_longer_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"second_half.{suffix}"
    with av.open(str(path), "w", options={"movflags": "faststart"} if suffix == "mov" else {}) as made:
        track: Any = made.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for second in range(600, 620):
            frame = av.AudioFrame.from_ndarray(tone(1.0), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, second * RATE
            made.mux(track.encode(frame))
    assert load_audio(path).duration_s == pytest.approx(20, abs=0.01)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioError, match="header says 0:20, only 0:"):
        load_audio(path)


def tracks(path: Path, *sounds: np.ndarray, codec: str = "pcm_s16le") -> Path:
    """A recording with these sounds, shape (1, n), as tracks beside each other."""
    with av.open(str(path), "w") as made:
        streams: list[Any] = [made.add_stream(codec, rate=RATE, layout="mono") for _ in sounds]
        for second in range(max(sound.shape[1] for sound in sounds) // RATE):
            for stream, sound in zip(streams, sounds, strict=True):
                piece = np.ascontiguousarray(sound[:, second * RATE : (second + 1) * RATE])
                if piece.shape[1]:
                    frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
                    frame.sample_rate, frame.pts = RATE, second * RATE
                    made.mux(stream.encode(frame))
        for stream in streams:
            made.mux(stream.encode(None))
    return path


def test_of_several_tracks_all_are_heard(tmp_path: Path) -> None:
    """Recorders of screens keep what the microphone hears from what the computer plays."""
    low, high = tone(50.0), tone(50.0, 2)[1:]
    low[:, 40 * RATE :] = 0
    two = load_audio(tracks(tmp_path / "two.mkv", low[:, : 40 * RATE], high))
    assert (two.channels, two.frames) == (2, 50 * RATE)
    assert np.allclose(two.read(0), low[0], atol=1e-3)
    assert np.allclose(two.read(1), high[0], atol=1e-3)
    three = load_audio(tracks(tmp_path / "three.mkv", low, high, high))
    assert (three.channels, three.frames) == (1, 50 * RATE)
    assert np.allclose(three.read(0), (low[0] + 2 * high[0]) / 3, atol=1e-3)
    # a browser would play the first only
    assert browser_type(tracks(tmp_path / "one.webm", low, codec="libopus")) == "audio/webm"
    assert browser_type(tracks(tmp_path / "two.webm", low, high, codec="libopus")) is None


def test_a_track_that_cannot_be_decoded_hides_no_other(tmp_path: Path) -> None:
    """An iPhone's film has one in Apple's own format for the sound around it."""
    path = tracks(tmp_path / "call.mkv", tone(2.0), tone(2.0))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"A_PCM/INT/LIT", b"A_SPATIAL/LIT", 1))
    assert load_audio(path).channels == 1
    path.write_bytes(whole.replace(b"A_PCM/INT/LIT", b"A_SPATIAL/LIT"))
    with pytest.raises(AudioError, match="of a kind that cannot be decoded"):
        load_audio(path)


def test_a_wave_file_of_zeros_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"RIFF\xff\xff\xff\xffWAVE" + bytes(8_000_000))
    begun = time.process_time()
    with pytest.raises(AudioError, match="its header is damaged"):
        load_audio(path)
    assert time.process_time() - begun < 1


def test_a_few_zeros_before_the_sound_do_not_hide_that_it_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    write(path, tone(60), codec="pcm_s16le", rate=RATE)
    whole = path.read_bytes()
    at = whole.index(b"data")
    padded = whole[:at] + bytes(8) + whole[at:]
    path.write_bytes(padded)
    assert load_audio(path).duration_s == pytest.approx(60, abs=0.1)
    path.write_bytes(padded[: len(padded) // 3])
    with pytest.raises(AudioError, match="is cut off"):
        load_audio(path)


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(20.0, "its header says 1:00, only 0:20 are there"), (0.0, "its header says 1:00, none of it is there")],
)
def test_a_cut_recording_says_how_much_is_there(seconds: float, says: str) -> None:
    with pytest.raises(AudioError, match=f"is cut off: {says}; copy it again"):
        stage._check_complete(Path("call.m4a"), seconds, 60.0)


def test_reading_outside_the_recording_is_clipped() -> None:
    audio = Audio.of(tone(1.0))
    assert len(audio.read(0, -1.0, 99.0)) == RATE
    assert len(audio.read(0, 5.0, 6.0)) == 0
    assert sum(len(block) for block in audio.blocks(0, 0.3)) == RATE


def test_reasons_before_decoding(tmp_path: Path) -> None:
    missing, empty, folder = tmp_path / "no.wav", tmp_path / "empty.wav", tmp_path / "folder.wav"
    empty.touch()
    folder.mkdir()
    for path, word in ((missing, "no such file"), (empty, "empty"), (folder, "folder")):
        with pytest.raises(AudioError) as error:
            load_audio(path)
        assert word in one_line(error, path)


@pytest.mark.parametrize("content", [b"hello, this is a letter\n" * 40, bytes(range(256)) * 20, b"RIFF\x00\x00"])
def test_not_audio(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "note.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError) as error:
        load_audio(path)
    assert "not an audio or video file" in one_line(error, path)


def test_a_playlist_opens_nothing_else(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.wav", tone(1.0), codec="pcm_s16le")
    for name, text in (
        ("list.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{secret}\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", f"ffconcat version 1.0\nfile '{secret}'\n"),
    ):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        with pytest.raises(AudioError) as error:
            load_audio(path)
        one_line(error, path)


def test_a_picture_has_no_audio_track(tmp_path: Path) -> None:
    import av

    path = tmp_path / "silent.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError) as error:
        load_audio(path)
    assert "no audio track" in one_line(error, path)


def test_half_copied_file_is_named_as_such(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.wav", tone(10.0), codec="pcm_s16le")
    half = tmp_path / "half.wav"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    with pytest.raises(AudioError) as error:
        load_audio(half)
    assert "cut off" in one_line(error, half)


def test_header_without_samples(tmp_path: Path) -> None:
    path = tmp_path / "header.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
    with pytest.raises(AudioError) as error:
        load_audio(path)
    assert "no sound" in one_line(error, path)


def test_longer_than_allowed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3", tone(8.0), codec="libmp3lame")
    with pytest.raises(AudioError) as error:
        load_audio(path, max_hours=5 / 3600)
    assert "longer than" in one_line(error, path)


def test_silence_and_tones_hold_no_speech() -> None:
    for samples in (np.zeros((1, 5 * RATE), np.float32), tone(5.0)):
        with pytest.raises(AudioError) as error:
            require_speech("call.wav", Audio.of(samples))
        assert "no speech" in one_line(error, Path("call.wav"))


def keys(pairs: list[tuple[float, ...]], on: float, off: float) -> np.ndarray:
    """Tones of several frequencies (Hz), `on` seconds each, `off` seconds apart; (1, n)."""
    t = np.arange(round(on * RATE)) / RATE
    silent = np.zeros(round(off * RATE))
    return np.concatenate([np.r_[sum(0.2 * np.sin(2 * np.pi * f * t) for f in pair), silent] for pair in pairs])[None]


def hold_music(seconds: int) -> np.ndarray:
    """Bowed chords with vibrato and twelve harmonics, nearer to a voice than most music; (1, n)."""
    t = np.arange(RATE) / RATE
    swell = np.minimum(1, np.minimum(t, 1 - t) / 0.1)

    def bowed(hertz: float) -> np.ndarray:
        phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.004 * np.sin(2 * np.pi * 5.5 * t))) / RATE
        return swell * sum(0.08 / k * np.sin(k * phase) for k in range(1, 12))

    roots = [220, 247, 262, 196] * seconds
    return np.concatenate([bowed(f) + bowed(1.26 * f) + bowed(1.5 * f) for f in roots[:seconds]])[None]


@pytest.mark.parametrize(
    "sound",
    [
        keys([(697, 1209), (770, 1336), (852, 1477), (941, 1336)] * 6, 0.2, 0.1),
        keys([(440, 480)] * 3, 2.0, 4.0),
        keys([(400, 450)] * 8, 0.4, 0.2),
        keys([(480, 620)] * 10, 0.5, 0.5),
        keys([(950,), (1400,), (1800,)] * 4, 0.33, 0.0),
        hold_music(12),
    ],
    ids=["DTMF", "ringing, US", "ringing, UK", "busy", "special information", "hold music"],
)
def test_what_a_telephone_plays_holds_no_speech(sound: np.ndarray) -> None:
    with pytest.raises(AudioError, match="no speech"):
        require_speech("call.wav", Audio.of(sound))


def test_very_quiet_speech_is_found() -> None:
    quiet = piece("rec-01", 1.0, 12.0) * np.float32(0.001)
    probabilities = require_speech("call.wav", Audio.of(quiet))
    assert max(float((row > 0.5).mean()) for row in probabilities) > 0.3


def test_gain_brings_speech_to_the_target_whatever_the_pauses() -> None:
    speech = piece("rec-01", 1.2, 6.0)[0]
    padded = np.concatenate([speech, np.zeros(60 * RATE, np.float32)])
    assert loudness_gain(Audio.of(padded), 0) == pytest.approx(loudness_gain(Audio.of(speech), 0), rel=0.3)
    assert loudness_gain(Audio.of(speech * np.float32(0.1)), 0) == pytest.approx(
        10 * loudness_gain(Audio.of(speech), 0), rel=0.05
    )


def test_two_words_in_an_hour_of_noise_are_not_drowned() -> None:
    speech = piece("rec-01", 1.2, 6.0)[0]
    noise = np.random.default_rng(0).standard_normal(300 * RATE).astype(np.float32) * np.float32(1e-3)
    noise[: len(speech)] += speech
    assert loudness_gain(Audio.of(noise), 0) == pytest.approx(loudness_gain(Audio.of(speech), 0), rel=0.3)


def test_every_broken_file_gives_audio_or_one_line() -> None:
    folder = SHARED / "data" / "broken" / "audio"
    if not folder.is_dir():
        pytest.skip("the shared broken recordings are not part of the project")
    decoded = 0
    for path in sorted(folder.iterdir()):
        reason = ""
        try:
            decoded += load_audio(path).frames > 0
        except AudioError as error:
            reason = str(error)
        assert not reason or ("\n" not in reason and reason.startswith(str(path)))
    assert decoded > 100
