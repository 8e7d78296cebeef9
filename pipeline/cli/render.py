"""Text for terminals: transcripts, scorecards, tables. Plain at 80 columns; a weight of type here and there, no boxes.

Functions return rich renderables or text; nothing here reads files or the store.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.cli.shared import WIDTH, clean, one_line
from pipeline.types import NEUTRAL, surely
from pipeline.wording import clock, counted

if TYPE_CHECKING:
    from rich.console import JustifyMethod, RenderableType
    from rich.table import Table
    from rich.text import Text

    from pipeline.rubric import Rubric
    from pipeline.types import Transcript

Row = Mapping[str, Any]

REPS_PER_TABLE = 4
_LEVELS = 4


def bar(level: float | None) -> str:
    """A level as four places: `■■□□`; dots where there is none."""
    if level is None:
        return "·" * _LEVELS
    full = min(_LEVELS, max(0, round(level)))
    return "■" * full + "□" * (_LEVELS - full)


def transcript_text(transcript: Transcript) -> RenderableType:
    """A call's turns with times, under a line that says how it was heard."""
    from rich.console import Group
    from rich.text import Text

    heard = transcript.hearing
    parts = [heard.engine, heard.diarizer and f"speakers by {heard.diarizer}"]
    if heard.expected_wer is not None:
        parts.append(f"about {heard.expected_wer:.0%} of the words may be wrong")
    if heard.roles_confidence is not None:
        parts.append(f"roles {heard.roles_confidence:.0%} sure")
    lines = [Text(one_line(f"{transcript.call_id} · {' · '.join(p for p in parts if p)}"), style="bold")]
    lines += [Text(f"note: {one_line(note)}", style="dim") for note in heard.notes]
    for turn in transcript.turns:
        who = one_line(turn.speaker)
        lines.append(Text.assemble((f"{clock(turn.t0):>7}  ", "dim"), (f"{who}: ", "bold"), one_line(turn.text)))
    return Group(*lines, Text(""))


def scorecard_text(
    card: Row, rubric: Rubric | None, *, transcript: Row, status: str = "scored", reason: str = ""
) -> RenderableType:
    """One call's scorecard: a headline, then each criterion with its level, confidence and best quote.

    `transcript` is the call's `Transcript.to_json`.
    """
    from rich.console import Group
    from rich.text import Text

    lines: list[Text] = [_headline(card, transcript["meta"])]
    starts = [clock(turn["t0"]) for turn in transcript["turns"]]
    if status != "scored":
        return Group(*lines, *wrapped(f"{status}: {reason}", indent=2), Text(""))
    titles = rubric.titles if rubric else {}
    for name, score in card["criteria"].items():
        lines += _criterion(titles.get(name, name.replace("_", " ")), score, starts)
    lines += _objections(card["objections"], starts)
    for note in (_metrics(card["metrics"]), _heard_by(transcript["hearing"])):
        lines += wrapped(note, indent=2, style="dim") if note else ()
    return Group(*lines, Text(""))


def _headline(card: Row, meta: Row) -> Text:
    from rich.text import Text

    who = [one_line(meta[key]) for key in ("rep", "account", "date") if meta.get(key)]
    name = (" · ".join(who) or "call", "bold")
    return Text.assemble(name, f"   {overall_text(card)}   ", (one_line(card["call_id"]), "dim"))


def overall_text(row: Row) -> str:
    """A call's overall score: `64 of 100`, or `not scored`."""
    return "not scored" if row.get("overall") is None else f"{row['overall']:.0f} of 100"


def _criterion(title: str, score: Row, starts: Sequence[str]) -> list[Text]:
    from rich.text import Text

    if score["status"] != "scored":
        why = "n/a" if score["status"] == "na" else f"abstained: {one_line(score.get('reason') or 'not sure enough')}"
        said = f"   {_surety(score)}" if "override" in score else ""
        return [Text.assemble(f"  {title:<22}", (f"{why}{said}", "dim"))]
    head = Text.assemble(
        f"  {title:<22}",
        (f"{bar(score['level'])}  {score['level']}", "bold"),
        (f"   {_surety(score)}", "dim"),
    )
    lines = [head]
    for item in score["evidence"][:1]:
        lines += wrapped(f"{clock(item['t0'])} {item['speaker']}: {quoted(item['quote'])}", indent=6)
        lines += wrapped(item["why"], indent=6, style="dim")
    for item in [item for item in score["missed"] if item["why"] != NEUTRAL][:1]:
        lines += wrapped(f"missed{_at(item, starts)}: {item['why']}", indent=6, style="dim")
    return lines


def _surety(score: Row) -> str:
    """How sure the machine is, or whose word counts instead."""
    if "override" not in score:
        return f"{score['confidence']:.0%} sure"
    machine = score["machine"]
    said = machine["level"] if machine["status"] == "scored" else machine["status"]
    return one_line(f"by {score['override']['who']} (the machine: {said}): {score['override']['why']}")


def _at(item: Row, starts: Sequence[str]) -> str:
    """When its turn begins, ` at 4:05`; nothing for a call whose words are gone, by retention."""
    return f" at {starts[item['turn']]}" if item["turn"] < len(starts) else ""


def _objections(rows: Sequence[Row], starts: Sequence[str]) -> list[Text]:
    said = [
        f"{'' if surely(row) else 'perhaps '}{kind_words(row['kind'])}{_at(row, starts)} (handled: {row['handled']})"
        for row in rows
    ]
    return wrapped(f"objections: {', '.join(said)}", indent=2) if said else []


def spelled(level: str) -> str:
    """What a level means, without pointing at the one below: `all that level 3 asks for, and ...`."""
    return level.replace("as 3,", "all that level 3 asks for,")


def kind_words(kind: str) -> str:
    """A kind of objection as people write it: `price or terms`."""
    return {"price_terms": "price or terms"}.get(kind, kind)


def _metrics(row: Row) -> str:
    parts = []
    if row.get("talk_share") is not None:
        parts.append(f"rep talks {row['talk_share']:.0%}")
    if row.get("longest_monologue_s") is not None:
        parts.append(f"longest monologue {row['longest_monologue_s']:.0f} s")
    parts.append(counted(row.get("questions", 0), "question"))
    if row.get("wpm") is not None:
        parts.append(f"{row['wpm']:.0f} words a minute")
    return " · ".join(parts)


def _heard_by(hearing: Row) -> str:
    """Which recogniser the quotes are from and how far to trust it; nothing where the words came as a transcript."""
    wrong = hearing.get("expected_wer")
    return "" if wrong is None else f"words by {hearing['engine']}, about {wrong:.0%} of them may be wrong"


def wrapped(text: str, *, indent: int, style: str = "") -> list[Text]:
    """Lines of a text as one paragraph, `indent` characters in."""
    from rich.text import Text

    pad = " " * indent
    rows = textwrap.wrap(one_line(text), WIDTH - indent - 2) or [""]
    return [Text(pad + row, style=style) for row in rows]


def team_tables(rows: Iterable[Row], rubric: Rubric | None) -> list[RenderableType]:
    """Rep x criterion tables, one per team (more where a team has over four reps).

    `rows` are `{"team", "rep", "calls", "overall", "levels": {criterion: {"standing", "low", "high", "calls"}}}`; a
    standing is shown with half the width of its 90 % interval and its calls, since a criterion is not scored on every
    one. `overall` is no standing: it is shown as what it is, the mean over the scored calls, as on a rep's page.
    """
    from rich.text import Text

    teams: dict[str, list[Row]] = {}
    for row in rows:
        teams.setdefault(f"Team {one_line(row['team'])}" if row["team"] else "No team", []).append(row)
    made: list[RenderableType] = []
    for team, members in sorted(teams.items()):
        for start in range(0, len(members), REPS_PER_TABLE):
            made.append(_team_table(team, members[start : start + REPS_PER_TABLE], rubric))
    if made:
        made.append(Text("Levels of 4, ± half the 90 % interval, over n scored calls.", style="dim"))
    return made


def _team_table(team: str, members: Sequence[Row], rubric: Rubric | None) -> Table:
    heads = (one_line(row["rep"]).replace(" ", "\n", 1) if row["rep"] else "-" for row in members)
    table = plain_table(team, ["", *heads], right=True, gap=1)
    names = [(c.id, c.title) for c in rubric.criteria] if rubric else [(n, n) for n in members[0]["levels"]]
    for name, title in names:
        table.add_row(title, *(level_text(row["levels"].get(name)) for row in members))
    table.add_section()
    table.add_row("Mean, of 100", *("" if row["overall"] is None else f"{row['overall']:.0f}" for row in members))
    table.add_row("Calls scored", *(str(row["calls"]) for row in members))
    return table


def level_text(level: Row | None) -> Text:
    """A standing, how far it may be off and over how many calls; low ones stand out, also without colour."""
    from rich.text import Text

    if level is None:
        return Text("-", style="dim")
    style = "bold red" if level["standing"] < 2 else ""
    reach = "" if level["low"] is None else f" ±{(level['high'] - level['low']) / 2:.1f}"
    return Text.assemble((f"{level['standing']:.1f}", style), (f"{reach} n{level['calls']}", "dim"))


def plain_table(title: str, columns: Sequence[str], *, right: bool = False, gap: int = 2) -> Table:
    """A table without lines but one under its head; the first column is text, others right-aligned where `right`.

    `gap` blanks stand after each column.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, gap, 0, 0),
    )
    for number, name in enumerate(columns):
        justify: JustifyMethod = "right" if right and number else "left"
        table.add_column(Text(name), justify=justify, overflow="fold", no_wrap=right and not number)
    return table


def rows_table(title: str, columns: Mapping[str, str], rows: Iterable[Row]) -> Table:
    """Rows as a table: `columns` maps keys to headings, in order; floats with one decimal.

    Within `WIDTH` no word is broken while there is room: ids are there to be copied.
    """
    cells = [[_shortened(_cell(row.get(key)), LONGEST.get(key, LONGEST_CELL)) for key in columns] for row in rows]
    widths, gap = _widths([list(columns.values()), *cells])
    table = plain_table(title, list(columns.values()), gap=gap)
    for column, width in zip(table.columns, widths, strict=True):
        column.max_width = width
    for row in cells:
        table.add_row(*row)
    return table


def _widths(rows: Sequence[Sequence[str]]) -> tuple[list[int], int]:
    """How wide each column may be, the widest giving way first but never below its longest word, and the blanks after
    each: one less where it is tight. Where even that is too much, the table breaks words."""
    from rich.cells import cell_len

    columns = list(zip(*rows, strict=True))
    widths = [max(cell_len(cell) for cell in column) for column in columns]
    least = [max(cell_len(word) for cell in column for word in cell.split() or [""]) for column in columns]
    tight = sum(least) + 3 * len(columns) > WIDTH + 1
    room = WIDTH + 1 - (2 if tight else 3) * len(columns)
    while sum(widths) > room and (wide := [n for n, width in enumerate(widths) if width > least[n]]):
        widths[max(wide, key=lambda n: widths[n])] -= 1
    return widths, 1 if tight else 2


LONGEST = {"rep": 40, "team": 40, "account": 40}
"""Names longer than that are cut in tables: one without an end would fill the screen once per row."""
LONGEST_CELL = 400


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}\N{HORIZONTAL ELLIPSIS}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.1f}"
    return one_line(value)


def snippet_text(row: Row) -> RenderableType:
    """One moment: where it is from, and its words."""
    from rich.console import Group
    from rich.text import Text

    about = {"ask_for_sale": "ask for the sale"}.get(row["criterion"], row["criterion"]) or row["kind"]
    head = f"{about} · {row['rep'] or row['speaker']} · call {row['call']} at {row['at']}"
    head = one_line(head).replace("_", " ")
    return Group(Text(head, style="bold"), *wrapped(quoted(row["quote"]), indent=2), Text(""))


def cue_text(row: Row) -> RenderableType:
    """A cue card."""
    from rich.console import Group
    from rich.text import Text

    perhaps = "perhaps: " if row["early"] else ""
    lines = [Text(f"{clock(row['t']):>7}  {perhaps}{one_line(row['title'])}", style="bold")]
    lines += wrapped(row["say"], indent=9)
    if row["worked"]:
        lines += wrapped(f"worked before: {quoted(row['worked'])}", indent=9, style="dim")
    return Group(*lines, Text(""))


def call_debrief_text(row: Row) -> RenderableType:
    """One call's debrief for the rep."""
    from rich.console import Group
    from rich.text import Text

    who = " · ".join(one_line(row[key]) for key in ("rep", "account", "date") if row[key])
    lines = [Text.assemble((who, "bold"), f"   {overall_text(row)}   ", (row["call"], "dim"))]
    if row["status"] != "scored":
        return Group(*lines, *wrapped(f"{row['status']}: {row['reason']}", indent=2), Text(""))
    lines += [Text("Keep", style="bold")] if row["worked"] else []
    for item in row["worked"]:
        lines += _debriefed(item)
    lines += [Text("Next time", style="bold")] if row["next_time"] else []
    for item in row["next_time"]:
        lines += _debriefed(item)
        lines += wrapped(f"next level: {spelled(item['next_level'])}", indent=4)
        if item["worked_elsewhere"]:
            told = item["worked_elsewhere"]
            said = f"{told['rep']}, level {told['level']}: {quoted(told['quote'])} (call {told['call_id'][:8]})"
            lines += wrapped(said, indent=4, style="dim")
        if item["module"]:
            lines += wrapped(f"training: {item['module']}", indent=4, style="dim")
    if row["commitments"]:
        lines.append(Text("Promised", style="bold"))
        for made in row["commitments"]:
            due = f", {made['due']}" if made["due"] else ""
            lines += wrapped(f"{made['owner']}{due}: {quoted(made['quote'])}{asked_text(made)}", indent=2)
    if row["next_call"]:
        lines.append(Text("Ask for next", style="bold"))
        lines += wrapped(f"{row['next_call']['ask']} ({row['next_call']['because']})", indent=2)
    return Group(*lines, Text(""))


def _debriefed(item: Row) -> list[Text]:
    usual = item["before_this_call"]
    before = f"; before, {usual['standing']:.1f} over {counted(usual['calls'], 'call')}" if usual else ""
    lines = wrapped(f"{item['title']}, level {item['level']}: {spelled(item['means'])}{before}", indent=2)
    moment = item["moment"]
    if moment:
        lines += wrapped(f"{clock(moment['t0'])} {moment['speaker']}: {quoted(moment['quote'])}", indent=4)
    return lines


def quoted(text: str) -> str:
    """The text in quotation marks."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"


def asked_text(made: Row) -> str:
    """What the owner of a promise was asked, where their words are an answer."""
    return f" to {quoted(made['asked'])}" if made["asked"] else ""


def commitment_text(row: Row) -> RenderableType:
    """One promise: who, for when, what came of it, and the words."""
    from rich.console import Group
    from rich.text import Text

    due = f", due {row['due']}" if row["due"] else ""
    status = row["status"] + (f", now for {row['moved_to']}" if row["moved_to"] else "")
    head = f"{row['made_on'] or 'undated'} · {row['account'] or 'no account'} · {row['owner']}{due} · {status}"
    lines = [
        Text(one_line(head), style="bold"),
        *wrapped(f"{quoted(row['quote'])}{asked_text(row)} (call {row['call_id'][:8]})", indent=2),
    ]
    if row["seen_quote"]:
        lines += wrapped(f"later: {quoted(row['seen_quote'])} (call {row['seen_call'][:8]})", indent=2, style="dim")
    return Group(*lines, Text(""))


def accountability_text(row: Row) -> RenderableType:
    """Support beside results of one rep, and warnings."""
    from rich.console import Group
    from rich.text import Text

    from pipeline.coach.support import coached_words

    support, results = row["support"], row["results"]
    overall = "" if results["overall"] is None else f", mean {results['overall']:.0f} of 100"
    lines = [Text(f"{one_line(row['rep'])}   {row['from']} to {row['to']}", style="bold")]
    lines += wrapped(
        f"given: {coached_words(support)}; training: "
        f"{support['training_done']} done, {support['training_open']} open, {support['training_overdue']} overdue",
        indent=2,
    )
    promised = ", ".join(f"{part['n']} {status}" for status, part in results["commitments"].items())
    lines += wrapped(
        f"came of it: {counted(results['scored'], 'scored call')}{overall}; {counted(len(results['gaps']), 'gap')}; "
        f"promises: {promised or 'none heard'}",
        indent=2,
    )
    for quota in results["quotas"]:
        pace = f"{quota['pace'] or 0:.0%} of the pace it asks for"
        if quota["pace"] is None:
            pace = "too early to say" if quota["early"] and quota["result"] is not None else "no result yet"
        lines += wrapped(
            f"{quota['measure']} to {quota['to']}: {pace}; {counted(quota['peers'], 'peer')} alike", indent=2
        )
    for item in results["activity"]:
        median = f", median of {counted(item['peers'], 'peer')} {item['peer_median']:g}" if item["peers"] else ""
        lines += wrapped(f"{item['measure']}: {item['count']:g}{median}", indent=2)
    for warning in row["warnings"]:
        lines += wrapped(f"{warning['kind']}: {warning['text']}", indent=2, style="bold")
    return Group(*lines, Text(""))


def nested_text(row: Row) -> RenderableType:
    """Any report row as headings and lists, for reports that are more prose than table."""
    from rich.console import Group
    from rich.text import Text

    return Group(*(Text(text) for text in _nested(row, 0)), Text(""))


def _nested(value: Any, depth: int) -> list[str]:
    pad = "  " * depth
    if isinstance(value, Mapping):
        lines: list[str] = []
        for key, item in value.items():
            head = f"{pad}{clean(key).replace('_', ' ')}:"
            if isinstance(item, Mapping | list | tuple):
                lines += [head, *_nested(item, depth + 1)] if item else []
            elif item is not None:
                lines += textwrap.wrap(f"{head} {one_line(item)}", WIDTH - 2, subsequent_indent=pad + "  ")
        return lines
    if isinstance(value, list | tuple):
        return [
            text for item in value for text in [*_nested(item, depth), *([""] if isinstance(item, Mapping) else [])]
        ]
    return textwrap.wrap(f"{pad}- {one_line(value)}", WIDTH - 2, subsequent_indent=pad + "  ")
