"""The command line: `debrief`. One file per group of commands; this one names them and meets every error.

A user sees one line per problem: exit code 1 when something failed, 2 when the command was used wrongly or is not there
yet. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from pipeline.cli import (
    admin,
    coaching,
    demo,
    listen,
    live,
    models,
    privacy,
    reports,
    reviews,
    roles,
    rubrics,
    run,
    team,
    training,
    users,
    voices,
    webhooks,
)
from pipeline.cli.shared import Data, NotThereYet, choose_data, log_unexpected, one_line
from pipeline.errors import DebriefError

app = typer.Typer(
    name="debrief",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def debrief(
    data: Data = None,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Recorded sales calls in, coaching out: transcripts, evidence-backed scorecards, gaps and training. Offline."""
    choose_data(data)
    if version:
        from pipeline.process import debrief_version

        print(f"debrief {debrief_version()}")
        raise typer.Exit


for group in (demo, run, listen, roles, reports, reviews, coaching, team, live, admin, privacy):
    group.register(app)
app.add_typer(training.app, name="training")
app.add_typer(team.crm, name="crm")
app.add_typer(rubrics.app, name="rubric")
app.add_typer(models.app, name="models")
app.add_typer(voices.app, name="voices")
app.add_typer(users.app, name="users")
app.add_typer(webhooks.app, name="webhooks")


def main() -> None:
    """Entry point of the `debrief` command."""
    try:
        app(prog_name="debrief")
    except NotThereYet as missing:
        _say(str(missing))
        sys.exit(2)
    except DebriefError as error:
        _say(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # the reader (head, less) has gone: nothing is left to say, and nothing to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except PermissionError as error:
        _say(f"{error.filename or 'a file'}: may not be read or written by this user; check its permissions")
        sys.exit(1)
    except Exception as error:
        place = log_unexpected(error)
        _say(f"something unexpected went wrong ({type(error).__name__}: {error}); the details are in {place}")
        sys.exit(1)


def _say(line: str) -> None:
    print(f"debrief: {one_line(line)}", file=sys.stderr)
