import ast
from collections import Counter
from pathlib import Path

import pytest

from models.training.corpus import (
    CRITERIA,
    MOVES,
    OBJECTION_KINDS,
    agreed_handling,
    agreed_level,
    agreed_objections,
    objection_votes,
    read_call,
    read_corpus,
    read_levels,
    read_objections,
)
from pipeline.errors import TranscriptError
from pipeline.rubric import TRAINED, load_rubric

ROOT = Path(__file__).resolve().parent.parent
SPLITS = {
    "train": ROOT / "models/corpus/train",
    "tune": ROOT / "models/corpus/tune",
    "test": ROOT / "benchmarks/judge/test",
}


@pytest.fixture(scope="module")
def corpus():
    return {name: read_corpus(folder) for name, folder in SPLITS.items()}


def test_the_corpus_is_large_enough_and_its_splits_share_no_call(corpus) -> None:
    names = [call.call_id for calls in corpus.values() for call in calls]
    assert len(names) == len(set(names)) >= 120
    accounts = {name: {call.transcript.meta.account for call in calls} for name, calls in corpus.items()}
    assert not accounts["test"] & (accounts["train"] | accounts["tune"])


def test_every_level_of_every_criterion_occurs(corpus) -> None:
    for criterion in CRITERIA:
        counts = Counter(call.labels[0].levels[criterion] for calls in corpus.values() for call in calls)
        for level in range(5):
            assert counts[level] >= 12, f"{criterion} level {level}: {counts[level]}"


def test_industries_and_call_types_are_many(corpus) -> None:
    metas = [call.transcript.meta for calls in corpus.values() for call in calls]
    assert len({meta.industry for meta in metas}) >= 25
    assert len({meta.call_type for meta in metas}) >= 15


def test_no_two_calls_are_near_copies(corpus) -> None:
    seen: dict[tuple[str, ...], str] = {}
    shared: Counter[tuple[str, str]] = Counter()
    for calls in corpus.values():
        for call in calls:
            words = " ".join(turn.text for turn in call.transcript.turns).lower().split()
            for gram in {tuple(words[i : i + 9]) for i in range(len(words) - 8)}:
                if gram in seen and seen[gram] != call.call_id:
                    shared[seen[gram], call.call_id] += 1
                seen.setdefault(gram, call.call_id)
    assert max(shared.values(), default=0) <= 5, shared.most_common(3)


def test_training_code_never_names_the_test_calls() -> None:
    for path in (ROOT / "models").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            name
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [getattr(node, "module", None) or ""]
            )
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert not any(name.startswith("benchmarks") for name in imported), path
        strings = [
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not any("judge/test" in text for text in strings), path


def test_labels_speak_the_rubrics_language() -> None:
    rubric = load_rubric("sales_call")
    assert CRITERIA == TRAINED
    assert set(MOVES) | {"object"} == set(rubric.moves)
    assert set(OBJECTION_KINDS) == {"stall", "competition", "price_terms", "other"}


def test_reader_names_file_line_and_mistake(tmp_path: Path) -> None:
    def write(text: str) -> Path:
        path = tmp_path / "x.txt"
        path.write_text("@id x\n" + text)
        return path

    levels = "= D1 M1 B1 P1 R1 O1 H1 A-\n"
    call = read_call(write("R: hello {ask_problem *D}\nAnn: too dear {obj:price_terms=no}\n" + levels))
    assert call.labels[0].levels["ask_for_sale"] is None
    assert call.labels[0].evidence["discovery"] == (0,)
    assert call.labels[0].objections[0].kind == "price_terms"
    assert [turn.speaker for turn in call.transcript.turns] == ["rep", "buyer:Ann"]
    with pytest.raises(TranscriptError, match="turn 0: unknown tag 'ask_moon'"):
        read_call(write("R: hello {ask_moon}\n" + levels))
    with pytest.raises(TranscriptError, match="must name all"):
        read_call(write("R: hello\n= D1\n"))
    with pytest.raises(TranscriptError, match="line 2: expected 'Speaker: text'"):
        read_call(write("hello\n" + levels))


def test_readings_for_objections_outvote_a_labelling(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "objections").mkdir()
    text = "@id x\nR: hello\nAnn: too dear {obj:price_terms=no}\nR: oh\nAnn: later\n= D1 M1 B1 P1 R1 O1 H1 A-\n"
    (tmp_path / "train" / "x.txt").write_text(text)
    readings = tmp_path / "objections" / "first.txt"
    readings.write_text("x 1:price_terms:no? 3:stall:partly\n")
    (call,) = read_corpus(tmp_path / "train")
    assert objection_votes(call) == {1: (2 / 3, "price_terms"), 3: (2 / 3, "stall")}
    assert agreed_objections(call) == {1: "price_terms", 3: "stall"}
    assert agreed_handling(call) == {1: "no", 3: "partly"}
    readings.write_text("x\n")
    (call,) = read_corpus(tmp_path / "train")
    assert agreed_objections(call) == {}
    readings.write_text("x 1:dear:no\n")
    with pytest.raises(TranscriptError, match="line 1: expected 'id turn:kind:handled"):
        read_corpus(tmp_path / "train")


def test_readings_for_levels_outvote_the_labellings(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "levels").mkdir()
    (tmp_path / "train" / "x.txt").write_text("@id x\nR: hello\n= D2 M0 B1 P4 R- O- H1 A2\n")
    (tmp_path / "train" / "x.second.txt").write_text("= D2 M1 B1 P4 R- O2 H- A2\n")

    def agreed() -> dict[str, float | None]:
        (call,) = read_corpus(tmp_path / "train")
        return {name: agreed_level(call, name) for name in CRITERIA}

    assert agreed() == dict(zip(CRITERIA, (2.0, 0.5, 1.0, 4.0, None, 2.0, 1.0, 2.0), strict=True))
    readings = tmp_path / "levels" / "first.txt"
    readings.write_text("x D3.5 M2 B1 P1 R3 O- H- A2\n")
    assert agreed() == dict(zip(CRITERIA, (3.0, 1.5, 1.0, 2.0, 3.0, None, None, 2.0), strict=True))
    for wrong in (
        "x D3 M2\n",
        "x D5 M2 B1 P1 R3 O- H- A2\n",
        "x D4.5 M2 B1 P1 R3 O- H- A2\n",
        "x D1 D1 B1 P1 R3 O- H- A2\n",
    ):
        readings.write_text(wrong)
        with pytest.raises(TranscriptError, match=r"line 1: expected 'id D3 M1\.5"):
            agreed()


def test_every_reading_for_levels_names_a_known_call(corpus) -> None:
    known = {call.call_id for calls in corpus.values() for call in calls}
    read = [set(read_levels(path)) for folder in SPLITS.values() for path in (folder.parent / "levels").glob("*.txt")]
    assert read
    assert set().union(*read) <= known


def test_every_reading_names_known_calls_and_turns_of_buyers(corpus) -> None:
    known = {call.call_id: call.transcript.turns for calls in corpus.values() for call in calls}
    folders = {folder.parent / "objections" for folder in SPLITS.values()}
    readings = sorted(path for folder in folders for path in folder.glob("*.txt"))
    assert readings
    for path in readings:
        for call_id, marks in read_objections(path).items():
            assert all(known[call_id][mark.objection.turn].side == "buyer" for mark in marks), f"{path.stem} {call_id}"
