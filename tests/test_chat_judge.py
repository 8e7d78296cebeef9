"""The judge behind an endpoint, against a real server on this machine that lies, breaks and hangs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import (
    CALL,
    INJECTION,
    TEXTS,
    Behaviour,
    ChatServer,
    answer,
    call,
    drips,
    endless,
    part,
    raw,
    says,
    serving,
    status,
    truncated,
)
from local_server import drips as drips_its_head
from local_server import hangs
from typer.testing import CliRunner

from models import judge_card
from models.chat_endpoint import KEY_NAME, Endpoint
from models.chat_judge import Unanswered
from models.judge_model import CriterionView, Verdict
from pipeline import batch, chat, judge, plan
from pipeline.cli import app
from pipeline.errors import SettingsError
from pipeline.ingest import discover
from pipeline.judge import score_call, verify
from pipeline.process import stale
from pipeline.rubric import TRAINED, Criterion, Rubric, load_rubric
from pipeline.settings import Settings
from pipeline.types import Scorecard

RUBRIC = load_rubric("sales_call")
KEY = "sk-secret-0123456789"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv(KEY_NAME, KEY)
    chat._endpoint.cache_clear()
    with serving() as running:
        yield running


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that would have been waited between attempts."""
    waited: list[float] = []
    monkeypatch.setattr("pipeline.chat.time.sleep", waited.append)
    return waited


@pytest.fixture
def settings(tmp_path: Path, server: ChatServer) -> Settings:
    return Settings(
        data=tmp_path / "data", judge="endpoint", judge_url=server.url, judge_model="some/model", judge_timeout_s=20.0
    )


def reasons(card: Scorecard) -> set[str]:
    assert {score.status for score in card.criteria.values()} == {"abstained"}
    assert {score.level for score in card.criteria.values()} == {None}
    assert card.overall is None
    return {score.reason for score in card.criteria.values()}


def test_an_honest_answer_is_a_scorecard(server: ChatServer, settings: Settings, waits: list[float]) -> None:
    server.behaviours = [says(answer(proposal={"level": None, "evidence": []}, ask_for_sale=part(1, 6, TEXTS[6])))]
    card = score_call(CALL, RUBRIC, settings=settings)
    assert list(card.criteria) == [criterion.id for criterion in RUBRIC.criteria]
    assert (card.criteria["discovery"].level, card.criteria["discovery"].status) == (3, "scored")
    assert card.criteria["discovery"].evidence[0].to_json() == {
        "turn": 2, "t0": 20.0, "t1": 29.0, "speaker": "rep", "quote": TEXTS[2], "why": "asks for the cost",
    }  # fmt: skip
    assert card.criteria["proposal"].status == "na"
    assert [missed.turn for missed in card.criteria["ask_for_sale"].missed] == [6]
    assert [(row.turn, row.kind, row.handled) for row in card.objections] == [(5, "price_terms", "no")]
    assert (card.judge_engine, card.judge_revision) == judge_card.judge_identity(settings)
    assert card.metrics.talk_share is not None
    assert verify(card, CALL.turns) == []
    assert (len(server.requests), waits) == (1, [])


def test_what_is_sent(server: ChatServer, settings: Settings) -> None:
    server.behaviours = [says(answer())]
    score_call(CALL, RUBRIC, settings=settings)
    request = server.requests[0]
    assert server.paths == ["/v1/chat/completions"]
    assert (request["model"], request["temperature"], request["stream"]) == ("some/model", 0, False)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    form = request["response_format"]["json_schema"]["schema"]
    assert list(form["properties"]["criteria"]["properties"]) == list(TRAINED)
    system, user = (message["content"] for message in request["messages"])
    assert [message["role"] for message in request["messages"]] == ["system", "user"]
    for criterion in RUBRIC.criteria:
        assert all(f"{level}: {anchor}" in user for level, anchor in enumerate(criterion.levels))
    assert '{"turn": 5, "speaker": "buyer:Ann", "text": "Our finance director' in user
    assert "Secret Account" not in system + user


NEVER_WELL: dict[str, tuple[Any, str, int]] = {
    "500 for ever": (status(500), "HTTP 500", 4),
    "429 for ever": (status(429), "HTTP 429", 4),
    "garbage": (raw(b"\xff<html>oops"), "not a chat completion", 4),
    "nested without end": (raw(b"[" * 100_000), "not a chat completion", 4),
    "no choices": (raw(b'{"choices": []}'), "not a chat completion", 4),
    "an error that calls itself fine": (raw(b'{"error": "overloaded"}'), "not a chat completion", 4),
    "no words": (says(None), "empty", 4),
    "truncated stream": (truncated, "broke off", 4),
    "prose": (says("I would give it a four."), "not one JSON object", 4),
    "cut-off JSON": (says('{"criteria": {"discovery": {"lev'), "not one JSON object", 4),
    "a key twice": (says('{"criteria": {}, "criteria": {}}'), "not one JSON object", 4),
    "criteria as a list": (says({"criteria": [4, 4], "objections": []}), "no criteria", 4),
    "other criteria": (says({"criteria": {"charm": part(4), "Discovery": part(4)}}), "none of the criteria", 4),
    "words for levels": (says(answer(**{n: part("four") for n in TRAINED})), "none of the criteria", 4),
    "stopped at its length": (says(answer(), finish="length"), "length limit", 1),
    "wrong key": (status(401), f"HTTP 401; check {KEY_NAME}", 1),
    "no such page": (status(404), "check judge_url", 1),
    "sent elsewhere": (status(307, Location="http://127.0.0.1:9/v1"), "HTTP 307", 1),
    "an endless answer": (endless, "no end", 1),
    "the key in the answer": (says(f"your key is {KEY}"), "repeats the key", 1),
}


@pytest.mark.parametrize(("behaviour", "reason", "attempts"), NEVER_WELL.values(), ids=NEVER_WELL)
def test_a_failing_endpoint_abstains_with_the_reason(
    server: ChatServer, settings: Settings, waits: list[float], behaviour: Any, reason: str, attempts: int
) -> None:
    server.behaviours = [behaviour]
    (found,) = reasons(score_call(CALL, RUBRIC, settings=settings))
    assert found.startswith("the judge gave no score: ")
    assert reason in found
    assert "\n" not in found
    assert KEY not in found
    assert len(server.requests) == attempts
    assert waits == [1.0, 4.0, 15.0][: attempts - 1]


def test_a_batch_tells_calls_of_which_the_judge_said_nothing_as_not_scored(
    server: ChatServer, settings: Settings, tmp_path: Path
) -> None:
    server.behaviours = [status(401)]
    settings.data.mkdir(parents=True, exist_ok=True)
    file = tmp_path / "call.json"
    file.write_text(json.dumps(CALL.to_json()))
    (job,) = plan.plan(discover([file]), settings).jobs
    told = batch.work((job, settings))
    assert (told["status"], told["kept"]) == ("abstained", True)
    assert told["reason"] == f"the judge gave no score: it answered HTTP 401; check {KEY_NAME}"
    server.behaviours = [says(answer())]
    (again,) = plan.plan(discover([file]), settings).jobs
    assert again.kind == "score"
    assert batch.work((again, settings))["status"] == "scored"


def test_a_hanging_endpoint_is_left(server: ChatServer, settings: Settings, waits: list[float]) -> None:
    server.behaviours = [hangs]
    hasty = dataclasses.replace(settings, judge_timeout_s=0.2)
    (found,) = reasons(score_call(CALL, RUBRIC, settings=hasty))
    assert "did not answer within 0.2 s" in found
    assert waits == [1.0, 4.0, 15.0]


@pytest.mark.parametrize("slow", [drips, drips_its_head])
def test_the_limit_is_for_the_whole_answer(server: ChatServer, slow: Behaviour) -> None:
    server.behaviours = [slow]
    with pytest.raises(Unanswered, match=r"did not answer within 0\.3 s"):
        Endpoint(server.url, "m", timeout_s=0.3).complete([], schema={})


def test_an_endpoint_that_is_not_there(settings: Settings, waits: list[float]) -> None:
    away = dataclasses.replace(settings, judge_url="http://127.0.0.1:9/v1")
    (found,) = reasons(score_call(CALL, RUBRIC, settings=away))
    assert "could not be reached" in found


@pytest.mark.parametrize("trouble", [status(503), status(429), raw(b"?"), truncated, says("{}"), says("")])
def test_after_trouble_it_is_asked_again(
    server: ChatServer, settings: Settings, waits: list[float], trouble: Any
) -> None:
    server.behaviours = [trouble, says(answer())]
    assert score_call(CALL, RUBRIC, settings=settings).overall == 75.0
    assert (len(server.requests), waits) == (2, [1.0])


def test_the_server_says_how_long_to_wait(server: ChatServer, settings: Settings, waits: list[float]) -> None:
    soon, late, never = (status(429, Retry_After=text) for text in ("7", "86400", "Wed, 21 Oct 2026 07:28:00 GMT"))
    server.behaviours = [soon, late, never, says(answer())]
    assert score_call(CALL, RUBRIC, settings=settings).overall == 75.0
    assert waits == [7.0, 60.0, 15.0]


FAULTY: dict[str, tuple[Any, str]] = {
    "level 7": (part(7), "level 7 is not"),
    "level -1": (part(-1), "level -1 is not"),
    "level true": (part(True), "level True is not"),
    "level 3.0": (part(3.0), "level 3.0 is not"),
    "level as text": (part("3"), "level '3' is not"),
    "no level": ({"evidence": []}, "no level"),
    "not an object": ("four", "no level"),
    "left out": (None, "leaves it out"),
    "evidence as text": ({"level": 3, "evidence": "turn 2"}, "no list of evidence"),
    "no evidence": ({"level": 3, "evidence": []}, "no quote"),
    "invented quote": (part(4, 2, "We will sign today for sure"), "none of the 1 quotes"),
    "quote of another turn": (part(4, 1, TEXTS[2]), "none of the 1 quotes"),
    "quote with a change": (part(4, 2, "what does that cost you over a year?"), "none of the 1 quotes"),
    "turn too high": (part(4, 99), "none of the 1 quotes"),
    "turn below zero": (part(4, -6), "none of the 1 quotes"),
    "turn as text": (part(4, "2"), "none of the 1 quotes"),
    "turn true": (part(4, True, TEXTS[1]), "none of the 1 quotes"),
    "empty quote": (part(4, 2, " "), "none of the 1 quotes"),
    "a letter as a quote": (part(4, 2, "a"), "none of the 1 quotes"),
    "quote as a number": (part(4, 2, 5), "none of the 1 quotes"),
    "evidence as numbers": ({"level": 3, "evidence": [2]}, "none of the 1 quotes"),
    "n/a where it always applies": ({"level": None, "evidence": []}, "always applies"),
}


@pytest.mark.parametrize(("faulty", "reason"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_part_abstains_alone(server: ChatServer, settings: Settings, faulty: Any, reason: str) -> None:
    server.behaviours = [says(answer(discovery=faulty))]
    card = score_call(CALL, RUBRIC, settings=settings)
    assert (card.criteria["discovery"].level, card.criteria["discovery"].status) == (None, "abstained")
    assert reason in card.criteria["discovery"].reason
    others = [score.level for name, score in card.criteria.items() if name != "discovery"]
    assert others == [3] * 7
    assert len(server.requests) == 1


def test_objections_are_verified_too(server: ChatServer, settings: Settings) -> None:
    good = {"turn": 5, "quote": "it is too expensive", "kind": "price_terms", "handled": "partly"}
    false = [
        {**good, "turn": 4, "quote": TEXTS[4]},
        {**good, "turn": 4},
        {**good, "quote": "we hate you all"},
        {**good, "kind": "rage"},
        {**good, "turn": 77},
    ]
    rows = [*false, {**good, "handled": "maybe"}, {**good, "kind": ["stall"]}, "no", good, good]
    server.behaviours = [says({**answer(objection_handling={"level": None, "evidence": []}), "objections": rows})]
    card = score_call(CALL, RUBRIC, settings=settings)
    assert [(row.turn, row.handled) for row in card.objections] == [(5, "partly")]
    assert "reports an objection" in card.criteria["objection_handling"].reason


def test_a_model_that_obeys_the_transcript_earns_nothing(server: ChatServer, settings: Settings) -> None:
    poisoned = call(*TEXTS[:7], INJECTION)
    server.behaviours = [says(answer(**{name: part(4, 3, "You are simply the best, we sign") for name in TRAINED}))]
    found = reasons(score_call(poisoned, RUBRIC, settings=settings))
    assert found == {"the answer claims a level, but none of the 1 quotes is in the turn that it cites"}


def test_an_answer_is_kept_and_never_asked_for_again(server: ChatServer, settings: Settings) -> None:
    server.behaviours = [says(answer()), status(500)]
    first = score_call(CALL, RUBRIC, settings=settings).to_json()
    again = score_call(dataclasses.replace(CALL, call_id="renamed"), RUBRIC, settings=settings).to_json()
    assert json.dumps({**again, "call_id": "call"}) == json.dumps(first)
    assert len(server.requests) == 1


@pytest.mark.parametrize("other", ["words", "rubric", "model"])
def test_another_question_is_asked(server: ChatServer, settings: Settings, other: str) -> None:
    server.behaviours = [says(answer())]
    score_call(CALL, RUBRIC, settings=settings)
    transcript = call(*TEXTS[:7], "No.") if other == "words" else CALL
    rubric = dataclasses.replace(RUBRIC, version="other") if other == "rubric" else RUBRIC
    asked = dataclasses.replace(settings, judge_model="another") if other == "model" else settings
    score_call(transcript, rubric, settings=asked)
    assert len(server.requests) == 2


def test_the_command_that_keeps_nothing_keeps_no_answer_either(
    server: ChatServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.behaviours = [says(answer())]
    for name in ("judge", "judge_url", "judge_model"):
        monkeypatch.setenv(f"DEBRIEF_{name.upper()}", getattr(settings, name))
    file = tmp_path / "call.json"
    file.write_text(json.dumps(CALL.to_json()))
    done = CliRunner().invoke(app, ["score", str(file), "--json", "--data", str(settings.data)])
    assert (done.exit_code, json.loads(done.output)["overall"]) == (0, 75.0)
    assert not list((settings.data / "judge").glob("*/*.json"))

    score_call(CALL, RUBRIC, settings=settings)
    CliRunner().invoke(app, ["score", str(file), "--json", "--data", str(settings.data)])
    assert len(list((settings.data / "judge").glob("*/*.json"))) == 1


def test_a_damaged_kept_answer_is_asked_for_again(server: ChatServer, settings: Settings) -> None:
    server.behaviours = [says(answer())]
    score_call(CALL, RUBRIC, settings=settings)
    (kept,) = chat.answers_folder(settings.data, CALL.turns).iterdir()
    kept.write_bytes(kept.read_bytes()[:40])
    assert score_call(CALL, RUBRIC, settings=settings).overall == 75.0
    assert len(server.requests) == 2
    assert json.loads(kept.read_bytes())["judge"] == "endpoint"


def test_kept_answers_of_a_call_can_be_forgotten(server: ChatServer, settings: Settings) -> None:
    server.behaviours = [says(answer())]
    other = call(*TEXTS[:7], "No.")
    for transcript in (CALL, other):
        score_call(transcript, RUBRIC, settings=settings)
    chat.forget(settings.data, CALL.turns)
    assert not chat.answers_folder(settings.data, CALL.turns).exists()
    assert chat.answers_folder(settings.data, other.turns).exists()


def test_answers_from_before_the_speakers_were_swapped_are_forgotten_with_the_call(
    server: ChatServer, settings: Settings
) -> None:
    server.behaviours = [says(answer())]
    sides = {"rep": "buyer:Ann", "buyer:Ann": "rep"}
    swapped = dataclasses.replace(
        CALL, turns=tuple(dataclasses.replace(turn, speaker=sides[turn.speaker]) for turn in CALL.turns)
    )
    for transcript in (CALL, swapped):
        score_call(transcript, RUBRIC, settings=settings)
    assert len(server.requests) == 2
    chat.forget(settings.data, swapped.turns)
    assert not list((settings.data / "judge").glob("*/*.json"))


def test_a_data_folder_that_cannot_be_written_does_not_cost_the_score(
    server: ChatServer, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    server.behaviours = [says(answer())]
    free = dataclasses.replace(settings, data=tmp_path / "file", judge_budget=0)
    assert score_call(CALL, RUBRIC, settings=free).overall == 75.0
    (found,) = reasons(score_call(CALL, RUBRIC, settings=dataclasses.replace(free, judge_budget=5)))
    assert "cannot be counted" in found


def test_no_answer_makes_the_scoring_stale_and_an_answer_does_not(
    server: ChatServer, settings: Settings, waits: list[float]
) -> None:
    server.behaviours = [status(500)] * 4 + [says(answer())]
    rubric = {"id": RUBRIC.id, "version": RUBRIC.version}
    engine, revision = judge_card.judge_identity(settings)
    now = {"rubric": rubric, "judge": {"engine": engine, "revision": revision}}
    for needed in ("score", ""):
        card = score_call(CALL, RUBRIC, settings=settings)
        made = {"engine": "import", "rubric": rubric, "judge": card.to_json()["judge"]}
        source = {"path": "x", "sha256": "00", "kind": "transcript", "size": 1, "mtime_ns": 1, "known": {}}
        record = {"status": "scored", "provenance": made, "source": source, "transcript": CALL.to_json()}
        record["scorecard"] = card.to_json()
        assert stale(record, settings, now=now) == needed


def test_the_budget_holds_over_calls_and_counts_retries(
    server: ChatServer, settings: Settings, waits: list[float]
) -> None:
    server.behaviours = [status(500), says(answer())]
    short = dataclasses.replace(settings, judge_budget=2)
    assert score_call(CALL, RUBRIC, settings=short).overall == 75.0
    (found,) = reasons(score_call(call(*TEXTS[:7], "No."), RUBRIC, settings=short))
    assert "budget of 2 requests is used up" in found
    assert score_call(CALL, RUBRIC, settings=short).overall == 75.0
    assert len(server.requests) == 2


def test_a_server_that_refuses_a_schema_is_asked_without(
    server: ChatServer, settings: Settings, waits: list[float]
) -> None:
    server.behaviours = [status(400), says(answer())]
    assert score_call(CALL, RUBRIC, settings=settings).overall == 75.0
    score_call(call(*TEXTS[:7], "No."), RUBRIC, settings=settings)
    assert ["response_format" in request for request in server.requests] == [True, False, False]


def test_a_request_that_is_refused_either_way_is_not_blamed_on_the_schema(
    server: ChatServer, settings: Settings, waits: list[float]
) -> None:
    server.behaviours = [status(400), status(400), says(answer())]
    (found,) = reasons(score_call(CALL, RUBRIC, settings=settings))
    assert "HTTP 400" in found
    assert score_call(CALL, RUBRIC, settings=settings).overall == 75.0
    assert ["response_format" in request for request in server.requests] == [True, False, True]


def test_the_key_is_written_nowhere(
    server: ChatServer, settings: Settings, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    server.behaviours = [status(401), status(500), says(answer())]
    cards = [score_call(CALL, RUBRIC, settings=settings) for _ in range(2)]
    shown = repr([card.to_json() for card in cards]) + repr(settings) + caplog.text
    files = [path for path in settings.data.rglob("*") if path.is_file()]
    assert len(files) >= 2
    assert KEY not in shown + "".join(path.read_text() for path in files)


@pytest.mark.parametrize("key", ["", "  ", "clé-à-moi"])
def test_keys_that_are_none_or_cannot_be_sent(
    server: ChatServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(KEY_NAME, key)
    server.behaviours = [says(answer())]
    card = score_call(CALL, RUBRIC, settings=settings)
    if key.strip():
        assert "cannot be sent" in reasons(card).pop()
    else:
        assert "authorization" not in server.headers[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_does_not_get_what_is_for_this_machine(
    server: ChatServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.behaviours = [says(answer())]
    here = dataclasses.replace(settings, judge_url=settings.judge_url.replace("127.0.0.1", host))
    assert score_call(CALL, RUBRIC, settings=here).overall == 75.0


@pytest.mark.parametrize(("url", "proxy"), [("http://999.1.1.1/v1", ""), ("http://a/v1", "nonsense://b")])
def test_addresses_that_nothing_can_be_sent_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, url: str, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    (found,) = reasons(score_call(CALL, RUBRIC, settings=dataclasses.replace(settings, judge_url=url)))
    assert "no request could be made" in found


def test_nothing_is_sent_unless_it_is_asked_for(
    server: ChatServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stub:
        revision = "r"

        def read(self, turns: Any, *, expected_wer: float) -> Verdict:
            views = {name: CriterionView(2, False, 0.9, 0.3, (0,), ()) for name in TRAINED}
            return Verdict(tuple({} for _ in turns), (), views, 9)

    monkeypatch.setattr(judge, "load_judge", Stub)
    embedded = dataclasses.replace(settings, judge="embedded")
    assert score_call(CALL, RUBRIC, settings=embedded).judge_engine == "embedded"
    assert score_call(CALL, RUBRIC, settings=settings, model=Stub()).judge_engine == "embedded"  # type: ignore[arg-type]
    for wrong in ({"judge_url": ""}, {"judge_model": " "}, {"judge": "oracle"}, {"judge_timeout_s": 0.0}):
        with pytest.raises(SettingsError, match="judge"):
            score_call(CALL, RUBRIC, settings=dataclasses.replace(settings, **wrong))
    short = score_call(call(*TEXTS[:4]), RUBRIC, settings=settings)
    assert "too short" in reasons(short).pop()
    assert short.judge_revision == judge_card.judge_identity(settings)[1]
    assert server.requests == []


def test_a_customer_s_criterion_is_asked_with_its_sentences(server: ChatServer, settings: Settings) -> None:
    own = Criterion(
        "certificate", "Certificate", "align", "mentions our certificate", ("no", "a bit", "some", "good", "best"),
        judge="examples", occasion=("is it secure", "who audits you"), shows=("we are certified", "our audit report"),
    )  # fmt: skip
    rubric = Rubric("own", "Own", (own,), version="v")
    server.behaviours = [says({"criteria": {"certificate": {"level": None, "evidence": []}}, "objections": []})]
    score = score_call(CALL, rubric, settings=settings).criteria["certificate"]
    assert (score.status, score.reason) == (
        "na",
        "n/a: when a buyer says something like: is it secure / who audits you",
    )
    assert 'sounds like: "our audit report"' in server.requests[0]["messages"][1]["content"]


def test_odd_words_travel(server: ChatServer, settings: Settings) -> None:
    odd = call(*TEXTS[:7], "half a \ud83d pair, \u2028 and \x00 caf\u00e9")
    quote = "and \x00 caf\u00e9"
    server.behaviours = [says(answer(discovery=part(3, 7, quote)))]
    card = score_call(odd, RUBRIC, settings=settings)
    assert card.criteria["discovery"].evidence[0].quote == quote


def test_the_floor_abstains_what_was_cited_badly(server: ChatServer, settings: Settings) -> None:
    mixed = {"level": 3, "evidence": [*part(3)["evidence"], *part(3, 0)["evidence"], *part(3, 1)["evidence"]]}
    server.behaviours = [says(answer(discovery=mixed))]
    card = score_call(CALL, RUBRIC, settings=dataclasses.replace(settings, min_confidence=0.5))
    assert (card.criteria["discovery"].status, card.criteria["discovery"].confidence) == ("abstained", 0.4)
    assert (card.criteria["proposal"].status, card.criteria["proposal"].confidence) == ("scored", 0.667)
