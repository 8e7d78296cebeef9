from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.coach.profile import Profile
from pipeline.coach.training import LIBRARY, check_module, drop_module, load_library, own_modules, save_module
from pipeline.errors import RubricError
from pipeline.rubric import TRAINED

SOUND: dict[str, Any] = {
    "id": "m",
    "title": "A module",
    "levels": [0, 1],
    "why": "It matters.",
    "good": [{"who": "rep", "says": "Why {product}?"}, {"who": "buyer", "says": "Because."}],
    "note": "Short.",
    "drills": [{"title": "a", "minutes": 5, "do": "x"}, {"title": "b", "minutes": 10, "do": "y"}],
    "role_play": {"setup": "s", "buyer": "{buyer}", "hidden": "h", "win": "w"},
    "observe": {"look_for": ["one"], "warning_signs": ["two"]},
    "done_when": "Three calls.",
}


def write(folder: Path, *modules: dict[str, Any], criterion: str = "discovery") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{criterion}.yaml"
    path.write_text(yaml.safe_dump({"criterion": criterion, "modules": list(modules)}))
    return path


@pytest.mark.parametrize("criterion", TRAINED)
def test_every_criterion_has_a_module_with_substance_for_every_level(criterion: str) -> None:
    modules = [m for m in load_library().of(criterion) if m.objection is None]
    assert len(modules) >= 3
    assert {level for m in modules for level in range(m.low, m.high + 1)} == {0, 1, 2, 3, 4}
    for module in load_library().of(criterion):
        assert len(module.good) >= 3
        assert len(module.drills) >= 3
        assert 30 <= module.minutes <= 60
        assert len(module.look_for) >= 4
        assert len(module.warning_signs) >= 3
        assert len(module.why.split()) >= 40
        assert module.done_when


def test_objections_have_a_module_for_each_kind() -> None:
    assert {m.objection for m in load_library().of("objection_handling")} == {
        None, "stall", "competition", "price_terms",
    }  # fmt: skip


def test_every_file_of_the_library_is_named_for_its_criterion() -> None:
    assert {path.stem for path in LIBRARY.glob("*.yaml")} == set(TRAINED)
    for path in LIBRARY.glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["criterion"] == path.stem


def test_the_sums_that_are_taught_add_up() -> None:
    modules = load_library().modules
    said = {name: " ".join(says for _, says in modules[name].good) for name in modules}
    defended = said["business-case-one-they-will-defend"]
    saving, running, start = 25.0, 4.0, 11.0
    assert round(12 * start / (saving - running)) == 6
    assert "a little over six months" in defended
    assert round(12 * start / (saving / 2 - running)) == 16
    assert "Sixteen months" in defended
    # two people, half a day each
    assert "a whole working day, every day" in said["business-case-their-cost-not-your-claim"]
    assert (40 * 18, 40 * 18 * 52 // 1000, round(40 * 18 * 52 / 1500)) == (720, 37, 25)
    for words in ("seven hundred and twenty", "thirty-seven thousand", "twenty-five thousand"):
        assert words in said["business-case-do-the-sum-together"]


def test_a_module_for_beginners_is_done_above_the_level_that_they_come_from() -> None:
    for name in ("objections-slow-down-and-hear-it", "objections-price-and-terms"):
        # acknowledging alone is level 1, and giving nothing away is no answer
        assert "ask" in load_library().modules[name].done_when


def test_the_module_fits_the_level() -> None:
    library = load_library()
    picks = [library.pick("discovery", level) for level in range(5)]
    assert [(m.low, m.high) for m in picks if m] == [(0, 1), (0, 1), (2, 2), (3, 4), (3, 4)]
    assert library.pick("no such criterion", 1) is None


def test_a_module_that_is_done_makes_way_for_the_next() -> None:
    library = load_library()
    first = library.pick("discovery", 1)
    assert first is not None
    second = library.pick("discovery", 1, done={first.id})
    assert second is not None
    assert second.low == 2
    # a rep at level 1 does not find what it costs yet: nothing to sum up and have confirmed
    assert library.pick("discovery", 1, done={first.id, second.id}) == first
    everything = {m.id for m in library.of("discovery")}
    assert library.pick("discovery", 1, done=everything) == first


def test_the_kind_of_objection_comes_before_the_level() -> None:
    library = load_library()
    stall, general, strong = (
        library.pick("objection_handling", level, kind=kind) for level, kind in ((1, "stall"), (1, None), (3, "stall"))
    )
    assert stall is not None
    assert stall.objection == "stall"
    assert general is not None
    assert general.objection is None
    assert strong is not None
    assert strong.objection is None


def test_a_profile_fills_the_texts() -> None:
    library = load_library(profile=Profile(product="Sight T", buyer="the line manager", market="food packaging"))
    text = "".join(str(m.to_json()) for m in library.modules.values())
    assert "Sight T" in text
    assert "You are the line manager in food packaging." in text
    assert "{" not in "".join(m.role_play.buyer + m.role_play.setup for m in library.modules.values())


def test_without_a_profile_nobody_is_taken_for_somebody_else() -> None:
    library = load_library()
    plays = {m.id: m.role_play for m in library.modules.values()}
    spoken = "\n".join(f"{p.setup}\n{p.buyer}\n{p.win}" for p in plays.values())
    for theirs in ("your company", "your product", "your market", "your main competitor"):
        assert theirs not in spoken  # whoever plays the buyer is spoken to
    assert "You like another supplier for a true reason" in plays["objections-competition"].buyer
    drills = "\n".join(d.do for d in library.modules["positioning-against-the-real-alternative"].drills)
    assert "\"you'll be weighing this against another supplier or against leaving it." in drills


def test_a_trainers_module_is_added_or_replaces_the_shipped_one(tmp_path: Path) -> None:
    shipped = load_library()
    mine = copy.deepcopy(SOUND) | {"id": "discovery-ask-before-you-tell", "title": "Our way"}
    write(tmp_path, mine, SOUND)
    library = load_library(tmp_path)
    assert library.modules["discovery-ask-before-you-tell"].title == "Our way"
    assert library.modules["m"].drills[1].minutes == 10
    assert len(library.modules) == len(shipped.modules) + 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"levels": [3, 1]}, "'levels' must be"),
        ({"levels": [0, 5]}, "'levels' must be"),
        ({"levels": [True]}, "'levels' must be"),
        ({"why": ""}, "'why' must be text"),
        ({"drills": [SOUND["drills"][0]]}, "'drills' must be a list of at least 2"),
        ({"drills": [SOUND["drills"][0], {"title": "b", "do": "y", "minutes": "10"}]}, "drill 2 needs"),
        ({"good": [SOUND["good"][0]]}, "a line of the rep and one of the buyer"),
        ({"good": [{"who": "boss", "says": "x"}]}, "'who' (rep or buyer)"),
        ({"role_play": {"setup": "s"}}, "'role_play' needs"),
        ({"observe": {"look_for": ["a"]}}, "'observe' needs a list 'warning_signs'"),
        ({"objection": "weather"}, "'objection' must be one of stall"),
        ({"tittle": "x"}, "unknown key 'tittle'"),
        ({"note": "for {customer}"}, "unknown placeholder {customer}"),
        ({"note": "a stray } brace"}, "unknown placeholder {}"),
        ({"note": "{product: the planner}"}, "unknown placeholder {product: the planner}"),
        ({"note": "{product!r}"}, "unknown placeholder {product!r}"),
    ],
)
def test_a_mistake_is_named_with_file_and_module(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    path = write(tmp_path, copy.deepcopy(SOUND) | change)
    with pytest.raises(RubricError) as caught:
        load_library(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path}: module 'm': ")
    assert says in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("criterion: discovery", "list of 'modules'"),
        ("- a\n- b\n", "list of 'modules'"),
        ("criterion: discovery\nmodules: [x]\n", "a module is a mapping"),
        ("criterion: [\n", "line 2: not readable as YAML"),
        ("criterion: 2026-02-30\nmodules: []\n", "somewhere: not readable as YAML; check indentation, quotes and days"),
        ("criterion: discovery\nmodules: [{id: 2026-02-30}]\n", "not readable as YAML"),
        ("", "list of 'modules'"),
    ],
)
def test_a_file_that_is_no_library_is_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(RubricError, match=r"x\.yaml: ") as caught:
        load_library(tmp_path)
    assert says in str(caught.value)


def test_bytes_that_are_no_text_and_double_ids_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RubricError, match="must be UTF-8 YAML"):
        load_library(tmp_path)
    (tmp_path / "x.yaml").unlink()
    write(tmp_path, SOUND, SOUND)
    with pytest.raises(RubricError, match="module 'm' appears twice"):
        load_library(tmp_path)


def test_a_sound_module_has_no_mistakes() -> None:
    assert check_module(SOUND) == []


def test_a_module_is_kept_in_the_file_it_stands_in_and_nowhere_twice(tmp_path: Path) -> None:
    path = write(tmp_path, SOUND, {**SOUND, "id": "beside"})
    assert save_module(tmp_path, "discovery", {**SOUND, "title": "Told better"}) == path
    found = load_library(tmp_path).modules
    assert (found["m"].title, found["beside"].title) == ("Told better", "A module")
    assert save_module(tmp_path, "discovery", {**SOUND, "id": "new"}) == tmp_path / "new.yaml"
    assert set(load_library(tmp_path).modules) >= {"m", "beside", "new"}


def test_saving_or_taking_away_one_module_loses_none_of_the_others(tmp_path: Path) -> None:
    first = write(tmp_path, SOUND, {**SOUND, "id": "beside"})
    first = first.rename(tmp_path / "price.yaml")
    # called after a module, and holds others
    second = save_module(tmp_path, "discovery", {**SOUND, "id": "price"})
    assert own_modules(tmp_path) == {"m": first, "beside": first, "price": second}
    drop_module(first, "m")
    assert own_modules(tmp_path) == {"beside": first, "price": second}
    drop_module(second, "price")
    drop_module(first, "beside")
    assert list(tmp_path.glob("*.yaml")) == []
