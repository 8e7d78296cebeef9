"""Who is active when, from voices of windows that are made by hand."""

from __future__ import annotations

import numpy as np
from hearing_samples import piece

from models.local_voices import LocalVoices, local_voices
from models.segmentation import FRAME_S
from models.silero import FRAME_S as SPEECH_FRAME_S
from models.stitching import who_is_active, with_neighbours

FRAMES = 293
ONE = np.array([[0.9, 0.1]])
OTHER = np.array([[0.1, 0.9]])


def voices(windows: list[list[np.ndarray]], *, embedded: list[int] | None = None, step: float = 2.0) -> LocalVoices:
    """Windows `step` seconds apart with the activities of their voices."""
    activity = np.zeros((len(windows), FRAMES, 3), np.float32)
    owners = []
    for window, columns in enumerate(windows):
        for column, row in enumerate(columns):
            activity[window, :, column] = row
            owners.append((window, column))
    chosen = list(range(len(owners))) if embedded is None else embedded
    return LocalVoices(
        starts=tuple(step * window for window in range(len(windows))),
        activity=activity,
        owners=tuple(owners),
        weights=np.array([float(activity[window, :, column].sum()) for window, column in owners]),
        embedded=np.array(chosen, dtype=np.intp),
        vectors=np.zeros((len(chosen), 256)),
    )


def always(level: float = 0.99) -> np.ndarray:
    return np.full(FRAMES, level)


def at(seconds: float) -> int:
    return round(seconds / FRAME_S)


def test_a_voice_without_a_d_vector_is_its_neighbours() -> None:
    first, second = always(), always()
    first[at(4.0) :] = 0.0
    second[: at(4.0)] = 0.0
    early, late = always(), always()
    early[at(2.0) :] = 0.0
    late[: at(2.0)] = 0.0
    # the second window names its two voices the other way round
    found = voices([[first, second], [late, early], [always()]], embedded=[0, 1, 4])
    likeness = with_neighbours(found, np.concatenate([ONE, OTHER, OTHER]))
    assert likeness.shape == (5, 2)
    assert likeness[2].argmax() == 1
    assert likeness[3].argmax() == 0
    active = who_is_active(found, likeness, None)
    assert active[at(0.5) : at(3.9), 0].all()
    assert not active[at(0.5) : at(3.9), 1].any()
    assert active[at(4.2) : at(8.5), 1].all()
    assert not active[at(4.2) : at(8.5), 0].any()


def test_one_slip_between_two_that_agree_is_outvoted() -> None:
    found = voices([[always()], [always()], [always()]])
    unsure = np.array([[0.45, 0.55]])
    likeness = with_neighbours(found, np.concatenate([ONE, unsure, ONE]))
    assert likeness[1].argmax() == 0
    # but no neighbour outvotes what is plainly heard
    assert with_neighbours(found, np.concatenate([ONE, OTHER, ONE]))[1].argmax() == 1


def test_all_voices_belong_to_the_only_person() -> None:
    first, second = always(), always()
    first[at(2.5) :] = 0.0
    second[: at(2.5)] = 0.0
    active = who_is_active(voices([[first, second]]), np.ones((2, 1)), None)
    assert active[at(0.5) : at(4.8), 0].all()


def pause_in(level: float) -> LocalVoices:
    """Three windows of one voice, in each of which nobody speaks between 2.0 and 2.6 s of its first two seconds."""
    rows = []
    for _ in range(3):
        row = always()
        for second in (0.4, 2.4, 4.4):
            row[at(second) : at(second + 0.5)] = level
        rows.append([row])
    return voices(rows)


def test_pauses_are_told_by_what_is_usual_in_this_recording() -> None:
    likeness = np.ones((3, 1))
    quiet = who_is_active(pause_in(0.05), likeness, None)
    noisy = who_is_active(pause_in(0.55), likeness, None)
    for active in (quiet, noisy):
        assert not active[at(2.5) : at(2.8)].any()
        assert active[at(3.1) : at(4.3)].all()


def test_where_nobody_ever_stops_there_is_no_pause() -> None:
    wavering = 0.88 + 0.05 * np.sin(np.arange(FRAMES))
    found = voices([[wavering]] * 3)
    assert who_is_active(found, np.ones((3, 1)), None)[at(0.5) : at(8.5), 0].all()


def test_an_unsure_voice_activity_detector_makes_no_pause_of_what_is_surely_spoken() -> None:
    speech = np.full(round(9.0 / SPEECH_FRAME_S), 0.95, np.float32)
    speech[round(3.0 / SPEECH_FRAME_S) : round(5.0 / SPEECH_FRAME_S)] = 0.2
    found = voices([[always(0.995)]] * 3)
    assert who_is_active(found, np.ones((3, 1)), speech)[at(3.1) : at(4.9)].all()
    found = voices([[always(0.6)]] * 3)
    assert not who_is_active(found, np.ones((3, 1)), speech)[at(3.1) : at(4.9)].any()


def test_every_second_window_is_embedded_and_those_that_stand_alone() -> None:
    sound = piece("rec-03", 0.0, 60.0)[0]
    spoken = np.zeros(round(60 / SPEECH_FRAME_S), np.float32)
    for first, last in ((0, 19), (42, 46)):
        spoken[round(first / SPEECH_FRAME_S) : int(last / SPEECH_FRAME_S) - 1] = 0.9
    asked: list[tuple[float, float]] = []

    def read(t0: float, t1: float) -> np.ndarray:
        asked.append((t0, t1))
        return sound[round(t0 * 16_000) : round(t1 * 16_000)]

    found = local_voices(read, 60.0, step=2.0, embed_every=2, speech=spoken)
    # nothing is read of what is silent in between
    assert all(t1 <= 25.0 or t0 >= 37.0 for t0, t1 in asked)
    assert found.starts == (*(2.0 * place for place in range(10)), *(2.0 * place for place in range(19, 23)))
    embedded = {found.owners[place][0] for place in found.embedded}
    heard = {window for window, _ in found.owners}
    # 18.0 and 38.0 s have no neighbour on one side
    assert embedded == heard & {0, 2, 4, 6, 8, 9, 10, 11, 13}
    assert len(heard - embedded) >= 2
    assert found.vectors.shape == (len(found.embedded), 256)


def test_a_recording_in_which_nobody_may_speak_has_no_voices() -> None:
    found = local_voices(
        lambda t0, t1: np.zeros(round((t1 - t0) * 16_000), np.float32), 30.0, step=2.0, speech=np.zeros(940, np.float32)
    )
    assert (len(found), found.starts, len(found.vectors)) == (0, (), 0)
