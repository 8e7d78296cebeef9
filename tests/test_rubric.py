import pytest

from pipeline.errors import RubricError
from pipeline.rubric import DEFAULT_ANCHORS, TRAINED, check_text, load_rubric, rubric_of_text, shipped_rubrics
from pipeline.rubric_edit import with_criterion

SOUND = """
id: mini
title: Mini
criteria:
  - id: security
    title: Names our certificate
    stage: align
    question: names the security certificate when risk comes up
    judge: examples
    shows: ["we are certified", "I can send you the certificate"]
    levels: {0: never, 1: hinted, 2: named, 3: named when asked, 4: taken up}
"""


def test_every_shipped_rubric_is_sound() -> None:
    assert "sales_call" in shipped_rubrics()
    for name in shipped_rubrics():
        rubric = load_rubric(name)
        assert rubric.id == name
        assert all(len(criterion.levels) == 5 for criterion in rubric.criteria)


def test_default_rubric_has_the_eight_criteria_in_order() -> None:
    assert tuple(criterion.id for criterion in load_rubric("sales_call").criteria) == TRAINED


@pytest.mark.parametrize("name", ["overall", "all", "timing/urgency"])
def test_an_id_that_reports_or_pages_cannot_tell_apart_is_a_mistake(name: str) -> None:
    (mistake,) = check_text(SOUND.replace("id: security", f"id: {name}"))
    assert mistake == f"line 5: criterion '{name}': its id must not be all or overall, nor hold a '/'"


def test_version_follows_content(tmp_path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(SOUND)
    second.write_text(SOUND.replace("hinted", "alluded to"))
    again = tmp_path / "c.yaml"
    again.write_text("# a comment changes nothing\n" + SOUND)
    assert load_rubric(first).version == load_rubric(again).version != load_rubric(second).version


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (SOUND.replace("4: taken up", "5: taken up"), "line 11: criterion 'security': levels must be exactly"),
        (SOUND.replace("    stage: align\n", ""), "'stage' is missing"),
        (SOUND.replace("judge: examples", "judge: trained"), "is not one the trained judge knows"),
        (SOUND.replace('["we are certified", "I can send you the certificate"]', "[once]"), "at least two example"),
        (SOUND.replace("question:", "queston:"), "line 8: criterion 'security': unknown key 'queston'"),
        (SOUND + "    weight: -1\n", "line 12: criterion 'security': weight must be"),
        (SOUND + "    target: 9\n", "target must be between 0 and 4"),
        (SOUND + "    moves: [fly]\n", "unknown move 'fly'"),
        (SOUND + SOUND.split("criteria:\n")[1], "appears twice"),
        ("id: [", "not readable as YAML"),
        ("- a\n- b\n", "a rubric is a mapping"),
        ("title: x\n", "'id' is missing"),
        (SOUND + "colour: red\n", "unknown key 'colour'"),
        (SOUND.replace("0: never", "0: no"), "line 11: criterion 'security': each anchor must be text"),
        (SOUND.replace("id: security", "id: [a]"), "line 5: criterion '['a']': 'id' must be text"),
        (SOUND + "    confirms: thanks\n", "line 12: criterion 'security': 'confirms' must be a list of texts"),
        (SOUND + "    weight: .nan\n", "line 12: criterion 'security': weight must be a finite number"),
        (SOUND + "    weight: 1\n    weight: 2\n", "line 13: 'weight' appears twice"),
        (SOUND + "stages: [survey, close]\n", "line 7: criterion 'security': unknown stage 'align'"),
        (SOUND + "stages: survey\n", "line 12: 'stages' must be a list"),
        (SOUND + "moves: {wave: {means: greets}}\n", "line 12: move 'wave' needs 'side: rep' or 'side: buyer'"),
        (SOUND + "moves: 5\n", "line 12: 'moves' must map"),
        ("id: a\ntitle: &t {b: {c: *t}}\n", "'title' must be text"),
        (SOUND.replace("title: Mini", "title: 2026-02-30"), "line 3: looks like a date or a number and is none"),
        (SOUND.replace("0: never", "0: 2026-13-01"), "line 11: looks like a date or a number and is none"),
        (SOUND.replace("title: Mini", "title: !!bool maybe"), "line 3: looks like a date or a number and is none"),
        (SOUND + f"    weight: {'9' * 5000}\n", "line 12: looks like a date or a number and is none"),
        (SOUND + f"    weight: {'9' * 400}\n", "line 12: criterion 'security': weight must be a finite number"),
        (
            SOUND + "moves:\n  wave: {side: rep, means: greets}\n  no: {side: buyer, means: declines}\n",
            "line 14: move 'no': its name must be text",
        ),
        (
            SOUND + "moves:\n  wave: {side: rep, means: greets, examples: [Hi there]}\n",
            "line 13: move 'wave': unknown key 'examples'; known: means, side",
        ),
    ],
)
def test_each_mistake_is_named_with_its_line(broken: str, expected: str) -> None:
    assert any(expected in mistake for mistake in check_text(broken)), check_text(broken)


def test_a_key_that_is_none_of_a_rubrics_is_not_called_a_move() -> None:
    (line,) = check_text(SOUND + "yes: 1\n")
    assert line.startswith("line 12: unknown key 'yes'")


def test_unknown_rubric_names_the_shipped_ones() -> None:
    with pytest.raises(RubricError, match="sales_call"):
        load_rubric("nonsense")


def test_a_rubric_that_is_there_and_cannot_be_read_is_not_called_missing(tmp_path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(SOUND.replace("Mini", "F\u00fcr uns").encode("latin-1"))
    with pytest.raises(RubricError, match="not UTF-8 text; save it as UTF-8"):
        load_rubric(file)
    folder = tmp_path / "folder.yaml"
    folder.mkdir()
    with pytest.raises(RubricError, match="cannot be read"):
        load_rubric(folder)


def test_always_may_be_written_in_capitals(tmp_path) -> None:
    file = tmp_path / "mine.yaml"
    for word in ("Always", "ALWAYS", "always ", "'  '"):
        file.write_text(SOUND + f"    applies: {word}\n")
        assert load_rubric(file).criteria[0].applies == "always"


def test_broken_file_is_named(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("title: x\n")
    with pytest.raises(RubricError, match=r"mine\.yaml: line 1: 'id' is missing"):
        load_rubric(path)


SHARED_ANCHORS = """
id: shared
title: Shared anchors
criteria:
  - id: budget
    title: Budget
    stage: assess
    question: asks for the money
    judge: examples
    levels: &anchors
      0: never
      1: hinted
      2: half
      3: asked
      4: answered
    shows: ["Is there a budget?", "Who pays for it?"]

  - id: timeline
    title: Timeline
    stage: assess
    question: asks for the date
    judge: examples
    shows: ["When do you need it?", "By when?"]
    levels: *anchors
# nothing below
"""
ADDED = {"question": "names our certificate", "shows": ["We are certified.", "I can send you the certificate."]}


def test_a_criterion_is_added_behind_the_last_one_where_anchors_are_shared() -> None:
    made = with_criterion(SHARED_ANCHORS, title="Security", **ADDED)
    assert check_text(made) == []
    rubric = rubric_of_text(made)
    assert [criterion.id for criterion in rubric.criteria] == ["budget", "timeline", "security"]
    assert rubric.criteria[:2] == rubric_of_text(SHARED_ANCHORS).criteria


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Sicherheit & Überblick", "sicherheit_uberblick"),
        ("Сертификат", "criterion"),
        ("Budget", "budget_2"),
        ("Overall", "overall_2"),
    ],
)
def test_a_criterion_may_have_a_title_in_any_language(title: str, name: str) -> None:
    added = rubric_of_text(with_criterion(SHARED_ANCHORS, title=title, **ADDED)).criteria[-1]
    assert (added.id, added.title) == (name, title)


def test_a_criterion_without_a_title_is_refused() -> None:
    with pytest.raises(RubricError, match="give the criterion a title"):
        with_criterion(SHARED_ANCHORS, title=" ", **ADDED)


def test_a_criterion_by_examples_needs_no_anchors() -> None:
    bare = SOUND.replace("    levels: {0: never, 1: hinted, 2: named, 3: named when asked, 4: taken up}\n", "")
    assert check_text(bare) == []
    assert rubric_of_text(bare).criterion("security").levels == DEFAULT_ANCHORS
    trained = bare.replace("judge: examples", "same_as: discovery")
    assert check_text(trained) == ["line 5: criterion 'security': 'levels' is missing; add it"]
