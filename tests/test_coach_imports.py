from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.coach.commands import import_csv
from pipeline.coach.imports import KINDS, read_csv
from pipeline.coach.load import load_rows
from pipeline.coach.rows import ActivityRow, QuotaRow, SessionRow
from pipeline.errors import InputError
from pipeline.rows import FACT_KEYS
from pipeline.store import Store


def written(tmp_path: Path, text: str, name: str = "in.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_sessions_by_other_names_of_the_columns(tmp_path: Path) -> None:
    text = (
        "\ufeffOwner;Held On;Manager;Duration;Subject;Status\n"
        "Ann;2026-10-02;Kim;45 min;Objections;Completed\nBob;2026-10-03;Kim;;;No show\n"
    )
    found = read_csv(written(tmp_path, text), "sessions")
    assert found.problems == ()
    ann, bob = found.rows
    assert isinstance(ann, SessionRow)
    assert isinstance(bob, SessionRow)
    assert (ann.rep, ann.held_on, ann.coach, ann.minutes, ann.topic, ann.status) == (
        "Ann", dt.date(2026, 10, 2), "Kim", 45, "Objections", "held",
    )  # fmt: skip
    assert (bob.minutes, bob.status) == (None, "missed")


@pytest.mark.parametrize("head", ["Sales Rep", "Rep Name", "Opportunity Owner", "Deal owner"])
def test_reps_stand_under_the_headings_of_sales_tools(tmp_path: Path, head: str) -> None:
    found = read_csv(written(tmp_path, f"{head},Date\nAnn,2026-10-02\n"), "sessions")
    assert [row.rep for row in found.rows] == ["Ann"]


def test_a_table_as_excel_saves_it_on_a_mac(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("rep;date;topic\rZoë;2026-10-02;Café\r".encode("mac_roman"))
    (row,) = read_csv(path, "sessions").rows
    assert isinstance(row, SessionRow)
    assert (row.rep, row.topic) == ("Zoë", "Café")


@pytest.mark.parametrize(
    ("head", "cells", "starts"),
    [
        ("date", "2026-12-02T14:30", "14:30"),
        ("date", "02.12.2026 9:05", "09:05"),
        ("date", "12/31/2026 2:30 PM", "14:30"),
        ("date", "2026-12-02T14:30:00+05:30", "14:30"),
        ("date", "2026-12-02 00:00:00", None),
        ("date", "2026-12-02", None),
        ("date,time", "2026-12-02,12:15 am", "00:15"),
        ("date,start time", "2026-12-02 00:00,8:00", "08:00"),
        ("date,time", "2026-12-02,", None),
        ("date,time", "2026-12-02,2 PM", "14:00"),
        ("date,time", "2026-12-02,9am", "09:00"),
        ("date,time", "2026-12-02,12:00 AM", None),
        ("date,time", "2026-12-02,2026-12-02 00:00:00", None),
    ],
)
def test_a_session_keeps_the_time_of_day_that_stands_beside_its_day(
    tmp_path: Path, head: str, cells: str, starts: str | None
) -> None:
    (row,) = read_csv(written(tmp_path, f"rep,{head}\nAnn,{cells}\n"), "sessions").rows
    assert isinstance(row, SessionRow)
    assert row.starts_at == starts


@pytest.mark.parametrize("time", ["10:00 - 10:45", "noon", "25:00", "9", "13 pm"])
def test_a_time_that_may_be_another_leaves_its_row_out(tmp_path: Path, time: str) -> None:
    found = read_csv(written(tmp_path, f"rep,date,time\nAnn,2026-12-02,{time}\n"), "sessions")
    assert not found.rows
    assert "is not understood; write it as 14:30" in found.problems[0]


def test_a_session_ahead_is_planned_unless_it_says_otherwise(tmp_path: Path) -> None:
    ahead = (dt.date.today() + dt.timedelta(30)).isoformat()
    (row,) = read_csv(written(tmp_path, f"rep,date\nAnn,{ahead}\n"), "sessions").rows
    assert isinstance(row, SessionRow)
    assert row.status == "planned"


@pytest.mark.parametrize(
    ("period", "starts", "ends"),
    [
        ("2026-Q4", "2026-10-01", "2026-12-31"),
        ("Q1 2027", "2027-01-01", "2027-03-31"),
        ("2026-02", "2026-02-01", "2026-02-28"),
        ("Q4/2026", "2026-10-01", "2026-12-31"),
        ("Nov 2026", "2026-11-01", "2026-11-30"),
        ("february-2028", "2028-02-01", "2028-02-29"),
        ("2026", "2026-01-01", "2026-12-31"),
    ],
)
def test_quotas_of_a_period(tmp_path: Path, period: str, starts: str, ends: str) -> None:
    text = f'rep,metric,quarter,goal,actual\nAnn,Revenue,{period},"$120,000","48.5k"\n'
    (row,) = read_csv(written(tmp_path, text), "quota").rows
    assert isinstance(row, QuotaRow)
    assert (str(row.starts_on), str(row.ends_on)) == (starts, ends)
    assert (row.measure, row.target, row.result) == ("revenue", 120_000, 48_500)


def test_activity_long_and_wide(tmp_path: Path) -> None:
    (long,) = read_csv(written(tmp_path, "rep,week,measure,count\nAnn,2026-10-05,Dials,120\n"), "activity").rows
    wide = read_csv(written(tmp_path, 'rep\tdate\tDials\tMeetings\nAnn\t05.10.2026\t120\t"1.250,5"\n'), "activity").rows
    assert isinstance(long, ActivityRow)
    assert {(r.measure, r.count) for r in wide if isinstance(r, ActivityRow)} == {("dials", 120), ("meetings", 1250.5)}
    assert long in wide


@pytest.mark.parametrize(
    ("kind", "line", "says"),
    [
        ("sessions", "Ann,soon", "'soon' is no date; write dates as YYYY-MM-DD"),
        ("sessions", "Ann,03/04/2026", "may be 3/4 or 4/3"),
        ("sessions", ",2026-10-02", "no rep"),
        ("sessions", "Ann,31/02/2026", "'31/02/2026' is no date"),
    ],
)
def test_a_bad_row_is_said_with_its_line_and_the_others_are_kept(
    tmp_path: Path, kind: str, line: str, says: str
) -> None:
    path = written(tmp_path, f"rep,date\nBob,2026-10-02\n{line}\nCid,25/10/2026\n\n")
    found = read_csv(path, kind)
    assert len(found.rows) == 2
    (problem,) = found.problems
    assert problem.startswith(f"{path}: line 3: ")
    assert says in problem
    assert problem.endswith("the row is left out")


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("sessions", "rep,date,minutes\nAnn,2026-10-02,-5\n", "minutes '-5' must be a number of 0 or more"),
        ("quota", "rep,period,target\nAnn,2026-Q4,-5\n", "target '-5' must be"),
        ("quota", "rep,period,target\nAnn,2026-Q4,1e400\n", "target: '1e400' is no number"),
        ("quota", f"rep,period,target\nAnn,2026-Q4,{'9' * 400}\n", "must be a number of 0 or more"),
        ("quota", "rep,period,target\nAnn,2026-Q4,many\n", "target: 'many' is no number"),
        ("activity", "rep,date,dials\nAnn,2026-10-02,-3\n", "dials '-3' must be"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused_with_their_line(tmp_path: Path, kind: str, text: str, says: str) -> None:
    found = read_csv(written(tmp_path, text), kind)
    assert found.rows == ()
    assert says in found.problems[0]
    assert ": line 2: " in found.problems[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column 'rep'"),
        ("who,when\na,b\n", "no column 'rep'"),
        ("rep,date\n\x00,2026-01-01\n", "not a CSV file"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_csv(written(tmp_path, text), "sessions")
    (tmp_path / "latin.csv").write_bytes("rep,date\nJos\xe9,2026-01-01\n".encode("latin-1"))
    assert [row.rep for row in read_csv(tmp_path / "latin.csv", "sessions").rows] == ["Jos\xe9"]
    with pytest.raises(InputError, match="cannot be read"):
        read_csv(tmp_path / "gone.csv", "sessions")


def test_the_same_file_again_changes_nothing_and_new_results_replace_old_ones(tmp_path: Path) -> None:
    first = written(tmp_path, "rep,period,target,result\nAnn,2026-Q4,100,20\nBob,2026-Q4,100,30\n")
    with Store(tmp_path / "data") as store:
        import_csv(store, first, "quota")
        before = load_rows(store).quotas
        import_csv(store, first, "quota")
        assert load_rows(store).quotas == before
        import_csv(store, written(tmp_path, "rep,period,target,result\nAnn,2026-Q4,100,55\n"), "quota")
        assert {q.rep: q.result for q in load_rows(store).quotas} == {"Ann": 55, "Bob": 30}
        store.rebuild()
        assert {q.rep: q.result for q in load_rows(store).quotas} == {"Ann": 55, "Bob": 30}


def test_every_kind_goes_to_a_table_of_the_store() -> None:
    assert {form.table for form in KINDS.values()} == set(FACT_KEYS) - {
        "assignments",
        "reviews",
        "comments",
        "snippets",
    }
    for form in KINDS.values():
        assert set(form.needed) <= set(form.columns)


def test_numbers_as_other_countries_write_them(tmp_path: Path) -> None:
    text = "rep;period;target;result\nAnn;2026-Q4;1.250.000;1 250 000\nBob;2026-Q4;250.000;0\n"
    found = read_csv(written(tmp_path, text), "quota")
    (ann,) = found.rows
    assert (ann.target, ann.result) == (1_250_000, 1_250_000)
    assert "'250.000' may be 250000 or 250; write 250000 or 250;" in found.problems[0]


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("1.2 million", 1.2e6), ("1,2 Mio.", 1.2e6), ("1.5MM", 1.5e6), ("1.2bn", 1.2e9), ("12 thousand", 12000.0),
        ("€95k", 95000.0), ("95 k€", 95000.0), ("USD 12,500", 12500.0), ("12 deals", 12.0), ("12 m", 12e6),
        ("12 lakh", 12e5), ("₹1.5 crore", 1.5e7), ("2 Cr", 2e7), ("3.5 mil", 3.5e6), ("2 Mrd. €", 2e9),
        ("12,50,000", 12.5e5),
    ],
)  # fmt: skip
def test_thousands_and_millions_in_words(tmp_path: Path, said: str, number: float) -> None:
    text = f'rep,period,target,result\nAnn,2026-Q4,"{said}","{said}"\n'
    (row,) = read_csv(written(tmp_path, text), "quota").rows
    assert isinstance(row, QuotaRow)
    assert (row.target, row.result) == (pytest.approx(number), pytest.approx(number))


@pytest.mark.parametrize("said", ["1.2E+11", "1.2e5", "12x"])
def test_a_result_that_runs_on_in_letters_is_not_cut_short(tmp_path: Path, said: str) -> None:
    found = read_csv(written(tmp_path, f"rep,period,target,result\nAnn,2026-Q4,100,{said}\n"), "quota")
    assert found.rows == ()
    assert f"'{said}' is no number" in found.problems[0]


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("activity", "rep,date,measure,count\nAnn,2026-11-02,dials,10\nAnn,2026-11-02,dials,15\n", "write their sum"),
        ("sessions", "rep,date,minutes,coach\nAnn,2026-11-02,30,Kim\nAnn,2026-11-02,45,Kim\n", "give each a topic"),
        ("quota", "rep,period,target\nAnn,2026-Q4,100\nAnn,2026-Q4,200\n", "write it once"),
    ],
)
def test_a_row_that_would_take_anothers_place_is_said(tmp_path: Path, kind: str, text: str, says: str) -> None:
    found = read_csv(written(tmp_path, text), kind)
    assert (len(found.rows), found.lines) == (1, 1)
    assert "line 3: line 2 has" in found.problems[0]
    assert says in found.problems[0]
    again = text.splitlines()
    same = "\n".join([*again[:2], again[1]])
    assert read_csv(written(tmp_path, same), kind).problems == ()


def test_a_number_that_may_be_two_is_told_as_both_are(tmp_path: Path) -> None:
    text = "rep;period;target\nAnn;2026-Q4;$1.255k\nAnn;2026-Q4;$1.2550k\n"
    found = read_csv(written(tmp_path, text), "quota")
    assert "may be 1255k or 1.255k; write 1255k or 1.2550k;" in found.problems[0]
    assert [row.target for row in found.rows] == [1255]


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("30m", 30),
        ("1h 30m", 90),
        ("0:45:00", 45),
        ("45 min", 45),
        ("50", 50),
        ("1.5 hours", 90),
        ('"1,5 h"', 90),
        ("1h30", 90),
        ("1 hr.", 60),
        ('"1 hour, 30 minutes"', 90),
        ("1 hour and 5 min", 65),
        ("90 mn", 90),
        ("about 45m", 45),
    ],
)
def test_minutes_as_calendars_write_them(tmp_path: Path, said: str, minutes: int) -> None:
    (row,) = read_csv(written(tmp_path, f"rep,date,duration\nAnn,2026-10-02,{said}\n"), "sessions").rows
    assert row.minutes == minutes


def test_a_unit_that_is_not_known_is_refused(tmp_path: Path) -> None:
    found = read_csv(written(tmp_path, "rep,date,duration\nAnn,2026-10-02,2 Std.\n"), "sessions")
    assert (found.rows, "minutes '2 Std.' is not understood" in found.problems[0]) == ((), True)


def test_reps_are_spelled_as_on_their_calls(tmp_path: Path) -> None:
    text = "rep,date\nanna  ROTH,2026-10-02\nNew One,2026-10-02\n"
    rows = read_csv(written(tmp_path, text), "sessions", reps=["Anna Roth"]).rows
    assert [row.rep for row in rows] == ["Anna Roth", "New One"]
    (same,) = read_csv(written(tmp_path, "rep,date\nAnna Roth,2026-10-02\n"), "sessions").rows
    assert same == rows[0]


def test_reps_that_differ_in_their_case_alone_stay_who_they_are(tmp_path: Path) -> None:
    text = "rep,date\nAnn,2026-10-02\nANN,2026-10-02\n"
    rows = read_csv(written(tmp_path, text), "sessions", reps=["ANN", "Ann"]).rows
    assert {row.rep for row in rows} == {"Ann", "ANN"}
    rows = read_csv(written(tmp_path, text), "sessions", reps=["Ann", "ANN"]).rows
    assert {row.rep for row in rows} == {"Ann", "ANN"}


@pytest.mark.parametrize(
    ("kind", "text", "field", "value"),
    [
        ("quota", "rep,period,target,amount\nAnn,2026-Q4,100000,82000\n", "target", 100_000),
        ("quota", "amount,target,period,rep\n82000,100000,2026-Q4,Ann\n", "target", 100_000),
        ("quota", "rep,name,period,target\nAnn,Enterprise,2026-Q4,1\n", "rep", "Ann"),
        ("sessions", "rep,date,topic,notes\nAnn,2026-10-05,discovery,was late\n", "topic", "discovery"),
        ("sessions", "rep,date,topic,notes\nAnn,2026-10-05,,was late\n", "topic", "was late"),
        ("activity", "rep,date,activity,count,total\nAnn,2026-10-05,dials,30,900\n", "count", 30),
    ],
)
def test_of_two_columns_for_one_thing_the_one_with_its_name_counts(
    tmp_path: Path, kind: str, text: str, field: str, value: object
) -> None:
    found = read_csv(written(tmp_path, text), kind)
    assert [row.to_row()[field] for row in found.rows] == [value]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ("85%", "'85%' is a share; write the number"),
        ("85 %", "'85 %' is a share; write the number"),
        ('"(1,200)"', "'(1,200)' may be below 0; write it with - in front"),
        ('"$ (1,200.50)"', "may be below 0"),
        ('"1,200-"', "may be below 0"),
    ],
)
def test_a_share_or_a_loss_is_not_taken_for_a_gain(tmp_path: Path, result: str, says: str) -> None:
    found = read_csv(written(tmp_path, f"rep,period,target,result\nAnn,2026-Q4,100000,{result}\n"), "quota")
    assert found.rows == ()
    assert says in found.problems[0]
