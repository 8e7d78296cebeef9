"""Draw docs/scorecard.svg from the demo's data: `debrief demo`, then `python docs/make_picture.py`.

The picture is what the terminal shows, word for word: the scorecard of one rep's newest call.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

WIDTH = 86
REP = "Daniel Osei"
OUT = Path(__file__).resolve().parent / "scorecard.svg"
PAPER = TerminalTheme(
    (250, 250, 248),
    (32, 36, 40),
    [
        (32, 36, 40),
        (176, 52, 44),
        (34, 120, 74),
        (150, 104, 0),
        (38, 88, 160),
        (122, 62, 140),
        (0, 116, 128),
        (120, 124, 128),
    ],
)


def debrief(*arguments: str) -> str:
    """What a debrief command prints on a colour terminal of `WIDTH` columns."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def main() -> None:
    """Draw the picture from the data folder given, else from debrief-demo/."""
    data = sys.argv[1] if len(sys.argv) > 1 else "debrief-demo"
    newest = json.loads(debrief("scorecard", "--rep", REP, "--data", data, "--json").splitlines()[0])
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text.from_ansi(debrief("scorecard", "--call", newest["call_id"], "--data", data).rstrip()))
    svg = console.export_svg(title="debrief scorecard", theme=PAPER)
    OUT.write_text(re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
