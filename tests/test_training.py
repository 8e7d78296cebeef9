"""The training path on a corpus of four very short calls: the real code, too little data to learn anything."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.call_reader import FEATURES
from models.judge_model import HANDLED, Heard, build_judge
from models.judge_net import JudgeNet
from models.minilm import WIDTH
from models.training.build import (
    Parts,
    best_edges,
    best_na,
    outcomes,
    train,
)
from models.training.corpus import CRITERIA, OBJECTION_KINDS, read_corpus
from models.training.data import targets
from models.training.fit import Recipe

CALL = """@id {name}
R: What goes wrong on the {thing}? {{ask_problem *D}}
Ann: It stops twice a week and we lose the shift. {{tell_problem}}
R: What does a shift cost you? {{ask_impact follow_up *D}}
Ann: Four thousand, and your price is too high. {{give_number obj:price_terms=no}}
R: I will send you something. {{vague_next *A}}
Ann: Fine. {{soft_yes}}
= D{level} M0 B2 P0 R{rest} O{rest} H0 A1
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for n, split in enumerate(("train", "train", "train", "tune")):
        (tmp_path / split).mkdir(exist_ok=True)
        thing = ("press", "kiln", "lathe", "oven")[n]
        (tmp_path / split / f"c{n}.txt").write_text(CALL.format(name=f"c{n}", thing=thing, level=n, rest=n or "-"))
    return tmp_path


def made(corpus: Path, work: Path, out: Path) -> tuple[bytes, str]:
    parts = Parts(corpus, work, recipe=Recipe(epochs=1), folds=2, device="cpu", say=lambda text: None)
    train(parts, out)
    return (out / "judge.safetensors").read_bytes(), (out / "judge.json").read_text()


def test_training_gives_the_same_files_again_and_goes_on_where_it_was_cut_off(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test, since a training costs ten seconds."""
    work, again = tmp_path / "work", tmp_path / "again"
    first = made(corpus, work, tmp_path / "out")
    assert made(corpus, tmp_path / "work2", again) == first
    card = json.loads(first[1])
    assert card["trained_on"] == 3
    judge = build_judge(first[0], card, revision="r")
    verdict = judge.read(read_corpus(corpus / "tune")[0].transcript.turns)
    assert set(verdict.criteria) == set(CRITERIA)
    assert all(0 <= view.level <= 4 and 0 <= view.confidence <= 1 for view in verdict.criteria.values())
    the_readers_differ(judge.net)

    monkeypatch.setattr("models.training.build.fit", never)
    for part in work.glob("*/*.safetensors"):
        if ".joint." not in part.name:
            part.unlink()
    assert made(corpus, work, again) == first, "the readers are added to the fits that were finished"
    monkeypatch.setattr("models.training.build.add_readers", never)
    assert made(corpus, work, again) == first, "what is finished is not made again"
    (corpus / "objections").mkdir()
    (corpus / "objections/first.txt").write_text("c1 3:price_terms:yes\n")
    with pytest.raises(AssertionError, match="fitted again"):  # another reading teaches something else
        made(corpus, work, again)


def never(*args: object, **options: object) -> None:
    raise AssertionError("fitted again")


def the_readers_differ(net: JudgeNet) -> None:
    """Over the one encoder; the judge says their mean."""
    assert len(net.readers) == Recipe().readers
    vectors, features = torch.ones(3, WIDTH), torch.zeros(3, FEATURES)
    apart = [reader(vectors, features).levels for reader in net.readers]
    assert not any(torch.equal(one, other) for one, other in itertools.combinations(apart, 2))
    assert torch.allclose(net(vectors, features).levels, sum(apart) / len(apart))


def test_edges_match_the_share_of_each_level_half_way() -> None:
    levels = np.repeat(np.arange(5), 20)
    shrunk = 2 + (levels - 2) * 0.5 + np.linspace(-0.2, 0.2, 100)
    edges = best_edges(shrunk, levels)
    assert edges == sorted(edges)
    assert 0.5 < edges[0] < 1.3
    assert 2.7 < edges[3] < 3.5


def test_na_threshold_separates() -> None:
    chance = np.array([0.1, 0.2, 0.3, 0.7, 0.8])
    assert 0.3 < best_na(chance, np.array([False, False, False, True, True])) <= 0.7


def test_outcomes_say_what_was_decided_and_whether_the_labels_agree() -> None:
    levels = np.zeros((len(CRITERIA), 5))
    levels[:, 3] = 1.0
    heard = Heard(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0), levels, np.zeros(len(CRITERIA)))
    wanted = np.full((1, len(CRITERIA)), 3)
    wanted[0, 1] = 2
    cuts, never = {name: [0.5, 1.5, 2.5, 3.5] for name in CRITERIA}, dict.fromkeys(CRITERIA, 2.0)
    signs, right = outcomes([heard], wanted, cuts, never, expected_wer=0.15)
    assert right == [1.0, 0.0, *[1.0] * (len(CRITERIA) - 2)]
    assert all(row["level.3"] == 1.0 and row["expected_wer"] == 0.15 for row in signs)


def test_what_readers_say_of_objections_is_asked_for_by_its_share_of_the_votes(corpus: Path) -> None:
    (corpus / "objections").mkdir()
    (corpus / "objections/first.txt").write_text("c1 1:other:partly? 3:price_terms:yes\nc2\n")
    read, unheard, unread = (
        targets(call, "cpu") for call in read_corpus(corpus / "train")[1:] + read_corpus(corpus / "tune")
    )
    other, price = OBJECTION_KINDS.index("other"), OBJECTION_KINDS.index("price_terms")
    assert read.objections[1, other] == pytest.approx(1 / 3), "half of the reader's two votes of three"
    assert read.objections[3, price] == 1.0
    assert [HANDLED[n] for n in read.handled[[1, 3]]] == ["partly", "yes"]
    assert unheard.objections[3, price] == pytest.approx(1 / 3), "only the labeller heard it"
    assert unread.objections[3, price] == 1.0
    assert unread.handled.tolist() == [-1, -1, -1, HANDLED.index("no"), -1, -1]
