"""The sheet for the one-to-one: a rep's scorecard as two or three pages of PDF.

Drawn by fpdf2, which is pure Python and needs no browser, network or system package; the page's print stylesheet is the
other way. What Windows-1252 can write is set in the PDF's own Helvetica, which takes 20 ms; other names and quotes in
DejaVu, which comes with matplotlib and takes most of a second: Latin, Greek and Cyrillic script print as written.
"""

from __future__ import annotations

import datetime as dt
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.coach.support import coached_words
from pipeline.types import NEUTRAL
from pipeline.web.render import day, one
from pipeline.wording import change_text, counted

if TYPE_CHECKING:
    from fpdf import FPDF

INK, SOFT, LINE, WARN, ACCENT = (29, 32, 36), (87, 92, 100), (203, 197, 187), (154, 59, 28), (31, 90, 82)
LEFT, WIDTH, HEIGHT = 18.0, 174.0, 5.2
FONTS = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf", "I": "DejaVuSans-Oblique.ttf"}

Row = dict[str, Any]


def sheet(card: Row, support: Row | None, *, on: dt.date, names: dict[str, str]) -> bytes:
    """The PDF of a rep's scorecard (`pages.reps.scorecard`) and support (`support_of`; None: not read yet).

    `names` are the criteria's titles. The bytes are the same for the same input on the same day.
    """
    for font in (None, _fonts()):
        drawing = _Sheet(on, font)
        drawing.head(card)
        drawing.standings(card, names)
        drawing.gaps(card, names)
        drawing.strengths(card, names)
        drawing.training(card)
        if support:
            drawing.support(support)
        drawing.notes()
        if not drawing.lost:
            break
    return drawing.done()


class _Sheet:
    """A document being drawn from the top down."""

    def __init__(self, on: dt.date, font: Path | None) -> None:
        """`font` is a folder of `FONTS`; None sets in Helvetica, and `lost` says whether that could not write all."""
        from fpdf import FPDF

        self.on, self.lost = on, False
        self.pdf: FPDF = FPDF(format="A4")
        self.pdf.set_creation_date(dt.datetime(on.year, on.month, on.day, tzinfo=dt.UTC))
        self.pdf.set_margins(LEFT, 16, LEFT)
        self.pdf.set_auto_page_break(True, margin=16)
        self.family = "DejaVu" if font else "Helvetica"
        self.pdf.core_fonts_encoding = "windows-1252"
        if font:
            for style, file in FONTS.items():
                self.pdf.add_font("DejaVu", style, str(font / file))
        self.pdf.add_page()

    def text(
        self, text: str, *, size: float = 9.5, style: str = "", colour: tuple[int, int, int] = INK, after: float = 0.0
    ) -> None:
        """A paragraph over the whole width."""
        self.pdf.set_font(self.family, style, size)
        self.pdf.set_text_color(*colour)
        self.pdf.set_x(LEFT)
        self.pdf.multi_cell(WIDTH, size * 0.5, self._plain(text), align="L", new_x="LMARGIN", new_y="NEXT")
        self.pdf.ln(after)

    def heading(self, text: str) -> None:
        """A section's heading, kept with what follows."""
        if self.pdf.will_page_break(26):
            self.pdf.add_page()
        self.pdf.ln(4)
        self.text(text, size=12, style="B", after=1.5)

    def _plain(self, text: str) -> str:
        if self.family == "DejaVu":
            return text
        plain = text.encode("cp1252", "replace").decode("cp1252")
        self.lost = self.lost or plain != text
        return plain

    def head(self, card: Row) -> None:
        """Who, when, and how many calls it rests on."""
        self.text(card["rep"], size=19, style="B", after=0.5)
        calls, overall = card["card"]["calls"], card["card"]["overall"]
        mean = f", mean {overall:.0f} of 100" if overall is not None else ""
        team = f"{card['card']['team']} · " if card["card"]["team"] else ""
        self.text(
            f"{team}{calls.get('scored', 0)} of {sum(calls.values())} calls scored{mean} · sheet of {day(self.on)}",
            colour=SOFT,
        )

    def standings(self, card: Row, names: dict[str, str]) -> None:
        """A line per criterion: number, interval, target and peers on an axis from 0 to 4."""
        self.heading("Where things stand")
        gaps = {gap.criterion for gap in card["gaps"]}
        for standing in card["standings"]:
            y = self.pdf.get_y()
            if self.pdf.will_page_break(7):
                self.pdf.add_page()
                y = self.pdf.get_y()
            self._cells(
                y,
                (
                    (LEFT, 46, names[standing.criterion], "B", INK),
                    (LEFT + 46, 12, one(standing.estimate), "B", WARN if standing.criterion in gaps else INK),
                    (LEFT + 57, 24, f"{standing.low:.1f} to {standing.high:.1f}", "", SOFT),
                    (LEFT + 150, 24, counted(standing.n, "call"), "", SOFT),
                ),
            )
            self._axis(LEFT + 82, y + 2.7, standing, card["peers"].get(standing.criterion))
            self.pdf.set_y(y + 6.6)
        peers = max((row["n"] for row in card["peers"].values()), default=0)
        key = f"; grey: the middle 80 % of {counted(peers, 'peer')}" if peers else ""
        self.text(
            f"Dot: the standing of 4. Line: where it lies with 90 % probability. Bar: the target{key}. Red: a gap.",
            size=7.5,
            colour=SOFT,
        )

    def _cells(self, y: float, cells: tuple[tuple[float, float, str, str, tuple[int, int, int]], ...]) -> None:
        for x, width, text, style, colour in cells:
            self.pdf.set_font(self.family, style, 9)
            self.pdf.set_text_color(*colour)
            self.pdf.set_xy(x, y)
            self.pdf.cell(width, HEIGHT, self._plain(text))

    def _axis(self, x: float, y: float, standing: Any, peers: Row | None) -> None:
        pdf, step = self.pdf, 16.0
        if peers:
            pdf.set_fill_color(228, 228, 226)
            pdf.rect(x + peers["low"] * step, y - 2, max(0.4, (peers["high"] - peers["low"]) * step), 4, style="F")
        pdf.set_draw_color(*LINE)
        pdf.set_line_width(0.2)
        pdf.line(x, y, x + 4 * step, y)
        for level in range(5):
            pdf.line(x + level * step, y - 0.8, x + level * step, y + 0.8)
        pdf.set_draw_color(*SOFT)
        pdf.set_line_width(0.9)
        pdf.line(x + standing.low * step, y, x + standing.high * step, y)
        pdf.set_draw_color(*ACCENT)
        pdf.set_line_width(0.6)
        pdf.line(x + standing.target * step, y - 2.3, x + standing.target * step, y + 2.3)
        pdf.set_fill_color(*INK)
        pdf.ellipse(x + standing.estimate * step - 1.1, y - 1.1, 2.2, 2.2, style="F")

    def gaps(self, card: Row, names: dict[str, str]) -> None:
        """The first gaps with the words they rest on."""
        self.heading("Work on first" if card["gaps"] else "No gap")
        if not card["gaps"]:
            self.text("Nothing is credibly below its target.", colour=SOFT)
        for gap in card["gaps"][:3]:
            since = card["since"].get((gap.rep, gap.criterion))
            self.text(names[gap.criterion], style="B", size=10.5)
            low = ""
            if since and since.day:
                low = f" Below the target on {since.low} of {since.calls} calls since {day(since.day)}."
            self.text(f"{gap.reason}.{low}", colour=SOFT, size=8.5, after=1)
            for call in card["low"].get(gap.criterion, []):
                self._moment(call)
            self.text(f"At target: {card['goals'][gap.criterion]}", size=8.5, after=2.5)

    def _moment(self, call: Row) -> None:
        where = f"{call['account'] or 'unknown account'}, {day(call['call_date'])}, level {call['level']}"
        if call["quote"]:
            self.text(f"“{call['quote']['quote']}”", style="I", size=9)
        if call["missed"] and call["missed"]["why"] != NEUTRAL:
            self.text(f"Where it should have happened: {call['missed']['why']}", size=8.5)
        self.text(where, size=7.5, colour=SOFT, after=1)

    def strengths(self, card: Row, names: dict[str, str]) -> None:
        """What to keep."""
        if card["strengths"]:
            self.heading("Strengths")
        for standing in card["strengths"]:
            self.text(
                f"{names[standing.criterion]}: {standing.estimate:.1f} ({standing.low:.1f} to {standing.high:.1f}) "
                f"over {counted(standing.n, 'call')}",
                style="B",
            )
            for call in card["high"].get(standing.criterion, [])[:1]:
                self._moment(call)

    def training(self, card: Row) -> None:
        """What was assigned and what it did."""
        self.heading("Training")
        if not card["training"]:
            self.text("None assigned yet.", colour=SOFT)
        for row in card["training"][:8]:
            effect = row["effect"]
            state = f"due {day(row['due_on'])}" if row["status"] == "open" else row["status"]
            if row["status"] == "done":
                number = change_text(effect["effect"], effect["low"], effect["high"])
                state = f"done {day(row['completed_on'])}: {effect['verdict']}{number}; {effect['reason']}"
            self.text(f"{row['title']} ({row['criterion_title'].lower()}): {state}", size=9, after=0.6)

    def support(self, known: Row) -> None:
        """Support beside result, with the warnings."""
        given, result = known["row"]["support"], known["row"]["results"]
        self.heading("Support beside result, last 90 days")
        promises = ", ".join(f"{part['n']} {status}" for status, part in result["commitments"].items()) or "none heard"
        newest = f" on the newest {known['heard']}" if known["heard"] < result["calls"] else ""
        self.text(
            f"Given: {coached_words(given)}; training "
            f"{given['training_open']} open, {given['training_done']} done. "
            f"Come of it: {result['scored']} of {result['calls']} calls scored; "
            f"promises{newest}: {promises}.",
            size=9,
            after=1,
        )
        for warning in known["row"]["warnings"]:
            self.text(f"{warning['kind'].capitalize()}: {warning['text']}.", size=8.5, colour=WARN, after=0.6)

    def notes(self) -> None:
        """Room to write what was agreed."""
        self.heading("Agreed")
        self.pdf.set_draw_color(*LINE)
        self.pdf.set_line_width(0.2)
        for _ in range(4):
            self.pdf.ln(8)
            self.pdf.line(LEFT, self.pdf.get_y(), LEFT + WIDTH, self.pdf.get_y())

    def done(self) -> bytes:
        return bytes(self.pdf.output())


def _fonts() -> Path | None:
    found = find_spec("matplotlib")
    for place in (found.submodule_search_locations or ()) if found else ():
        folder = Path(place) / "mpl-data" / "fonts" / "ttf"
        if all((folder / file).is_file() for file in FONTS.values()):
            return folder
    return None
