from __future__ import annotations

import dataclasses
from pathlib import Path

from coach_story import DAY, RUBRIC, call, merged, moment, record, story

from pipeline import keep
from pipeline.access.scope import Scope
from pipeline.coach.accounts import account_view
from pipeline.coach.after import call_debrief
from pipeline.coach.load import answers_to_objections, load_moments, load_rows, rows_of_calls
from pipeline.coach.moments import Search, find_moments
from pipeline.coach.moves import strength
from pipeline.coach.rows import MoveRow, ObjectionRow, Rows
from pipeline.coach.snippets import all_snippets, best_moments, find_snippets, low_moments, weakest_kind
from pipeline.coach.training import load_library
from pipeline.reviews import review_of
from pipeline.store import Store


def test_every_filter_narrows() -> None:
    rows = story()
    assert {s.score.criterion for s in find_snippets(rows, criterion="discovery")} == {"discovery"}
    assert {s.score.level for s in find_snippets(rows, level=4)} == {4}
    assert {s.score.rep for s in find_snippets(rows, rep="Bob")} == {"Bob"}
    assert {s.objection_kind for s in find_snippets(rows, kind="price_terms")} == {"price_terms"}
    assert find_snippets(rows, kind="stall") == []
    assert len(find_snippets(rows, limit=3)) == 3


def test_words_are_found_whole_in_any_order_and_case() -> None:
    rows = story()
    found = find_snippets(rows, words="BUDGET compared")
    assert found
    assert {s.moment.turn for s in found} == {8}
    assert find_snippets(rows, words="budg") == []


def test_words_are_found_with_either_apostrophe() -> None:
    rows = story()
    said = dataclasses.replace(rows.moments[0], quote="What’s one cost, and don't they notice?")
    rows = dataclasses.replace(rows, moments=(said,))
    for words in ("what's don't", "what’s don’t"):
        assert [s.moment for s in find_snippets(rows, words=words)] == [said]


def test_the_best_and_newest_come_first() -> None:
    found = find_snippets(story(), criterion="discovery", limit=100)
    keys = [(-s.score.level, -s.score.date.toordinal()) for s in found if s.score.date]
    assert keys == sorted(keys)


def test_moments_of_criteria_that_were_not_scored_are_never_shown() -> None:
    rows = call("a", "Ann", 0, "Acme", {"discovery": 3})
    abstained = dataclasses.replace(rows, moments=(*rows.moments, moment("a", "proposal", 6, "price")))
    assert {s.score.criterion for s in all_snippets(abstained)} == {"discovery"}


def test_an_answer_belongs_to_the_objection_before_it() -> None:
    rows = call("a", "Ann", 0, "Acme", {"objection_handling": 3})
    early = ObjectionRow("a", 2, "stall", "no")
    late = ObjectionRow("a", 9, "competition", "no")
    (snippet,) = all_snippets(dataclasses.replace(rows, objections=(late, *rows.objections, early)))
    assert (snippet.objection_kind, snippet.to_json()["handled"]) == ("price_terms", "yes")
    (snippet,) = all_snippets(dataclasses.replace(rows, objections=(late,)))
    assert snippet.objection_kind == "competition"
    (snippet,) = all_snippets(dataclasses.replace(rows, objections=()))
    assert snippet.objection_kind is None


def test_low_moments_are_the_reps_own_one_per_call() -> None:
    lows = low_moments(story(), "Bob", "discovery")
    assert [s.moment.call_id for s in lows] == ["b5", "b4", "b3"]
    assert {s.score.rep for s in lows} == {"Bob"}
    assert low_moments(story(), "Cid", "discovery") == []


def test_best_moments_are_colleagues_of_the_same_team_first_and_of_the_reps_side() -> None:
    best = best_moments(story(), "Bob", "discovery", limit=12)
    assert [s.score.rep for s in best[:6]] == ["Ann"] * 6
    assert {s.score.rep for s in best} == {"Ann", "Cid"}
    assert {s.moment.side for s in best} == {"rep"}
    assert best_moments(story(), "Bob", "decision_makers") == []  # the moments cited there are the buyer's


def test_without_colleagues_the_reps_own_best_serve() -> None:
    alone = merged(call("a", "Ann", 0, "Acme", {"discovery": 1}), call("b", "Ann", 1, "Acme", {"discovery": 4}))
    assert [s.moment.call_id for s in best_moments(alone, "Ann", "discovery")] == ["b"]


def test_the_weakest_kind_needs_two_and_is_never_other() -> None:
    rows = story()
    assert weakest_kind(rows, "Ann") == "price_terms"
    assert weakest_kind(rows, "Cid") is None
    assert weakest_kind(Rows(), "Ann") is None
    others = tuple(ObjectionRow("a0", turn, "other", "no") for turn in range(9))
    assert weakest_kind(dataclasses.replace(rows, objections=others), "Ann") is None
    partly = tuple(ObjectionRow("a0", turn, "stall", "partly") for turn in range(3))
    assert weakest_kind(dataclasses.replace(rows, objections=partly), "Ann") is None
    assert weakest_kind(dataclasses.replace(rows, objections=(*partly, *others, *partly)), "Ann") == "stall"


def test_of_one_call_the_words_that_show_most_are_the_example() -> None:
    rows = merged(call("a", "Ann", 0, "Acme", {"discovery": 1}), call("b", "Bob", 1, "Acme", {"discovery": 4}))
    strong = moment("b", "discovery", 4, "ask_impact", "follow_up")
    rows = dataclasses.replace(rows, moments=(*rows.moments, strong))
    assert [s.moment.turn for s in best_moments(rows, "Ann", "discovery")] == [2]
    assert [s.moment.turn for s in best_moments(rows, "Ann", "discovery", rubric=RUBRIC)] == [4]
    assert strength(strong, rows, RUBRIC) == 2.0
    heard = (MoveRow("b", 4, "follow_up", 0.7), MoveRow("b", 4, "ask_problem", 0.4), MoveRow("b", 4, "price", 0.9))
    assert strength(strong, dataclasses.replace(rows, moves=heard), RUBRIC) == 0.7
    weak = moment("b", "objection_handling", 8, "stock_answer", "argue")
    assert strength(weak, rows, RUBRIC) == 0.0


def test_what_the_machine_cited_shows_nothing_of_the_level_that_a_person_gave(tmp_path: Path) -> None:
    made = []
    for name, level in (("raised", 1), ("agreed", 4)):
        rows = call(name, "Ann", 0, "Elm", {"discovery": level})
        made.append(record(rows.calls[0], rows))
        keep.write_record(tmp_path, made[-1])
    raised, agreed = (one["call_id"] for one in made)
    with Store(tmp_path) as store:
        store.ingest()
        for one in made:
            word = review_of(one, "discovery", "override", who="Sam", why="more came later", level=4)
            store.put_fact("reviews", word.to_row())
        loaded, read = load_rows(store), rows_of_calls(store, (raised, agreed))
        found = find_moments(store, Scope(everything=True), Search(criterion="discovery"))
    for known in (loaded, read):
        assert [score.level for score in known.scores] == [4, 4]
        assert [s.moment.call_id for s in best_moments(known, "Bob", "discovery")] == [agreed]
    assert {row["call_id"] for row in found} == {agreed}
    for call_id, shown in ((raised, False), (agreed, True)):
        row = call_debrief(read, call_id, RUBRIC, load_library())
        assert row is not None
        assert [(item["level"], item["moment"] is not None) for item in row["worked"]] == [(4, shown)]


def test_an_objection_is_of_the_kind_that_the_judge_heard_wherever_it_is_shown(tmp_path: Path) -> None:
    rows = call("a", "Ann", 0, "Elm", {"objection_handling": 3})
    # its words are about price
    heard = dataclasses.replace(rows, objections=(ObjectionRow("a", 7, "stall", "yes"),))
    made = record(heard.calls[0], heard)
    made["transcript"]["turns"][7]["text"] = "It's the deposit. That is too much for us."
    keep.write_record(tmp_path, made)
    with Store(tmp_path) as store:
        store.ingest()
        loaded = load_rows(store, account="Elm")
        found = (
            loaded,
            load_moments(store, rep="Ann", criterion="objection_handling", as_of=DAY),
            rows_of_calls(store, [made["call_id"]]),
            answers_to_objections(store, "true", {}),
        )
        (shown,) = find_moments(store, Scope(everything=True), Search(kind="stall"))
    assert [[row.kind for row in part.objections] for part in found] == [["stall"]] * 4
    assert [s.objection_kind for s in all_snippets(loaded)] == [shown["objection_kind"]] == ["stall"]
    told = call_debrief(loaded, made["call_id"], RUBRIC, load_library())
    view = account_view(loaded, "Elm", RUBRIC, as_of=DAY)
    assert told is not None
    assert view is not None
    assert [row["kind"] for row in told["objections"]] == ["stall"]
    assert [o.kind for o in view.answered_objections] == ["stall"]
