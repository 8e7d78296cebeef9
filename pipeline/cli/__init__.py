"""The command line: `debrief`. One file per group of commands; this one names them and meets every error.

A user sees one line per problem: exit code 1 when something failed, 2 when the command was used wrongly or is not there
yet. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

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
    from pipeline.keep import close_to_others

    _open_streams()
    close_to_others()
    try:
        code = app(prog_name="debrief", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code)
    except TyperException as wrong:
        # a message is empty where the help was printed instead
        if wrong.message or wrong.format_message():
            _say(_usage(wrong))
        sys.exit(wrong.exit_code)
    except typer.Abort:
        _say("aborted")
        sys.exit(1)
    except NotThereYet as missing:
        _say(str(missing))
        sys.exit(2)
    except DebriefError as error:
        _say(str(error))
        sys.exit(1)
    except BrokenPipeError:
        # the reader (head, less) has gone: nothing is left to say, and nothing to say it to
        _forget_output()
        sys.exit(1)
    except PermissionError as error:
        _say(f"{error.filename or 'a file'}: may not be read or written by this user; check its permissions")
        sys.exit(1)
    except OSError as error:
        if error.errno not in _FULL:
            _unexpected(error)
        _forget_output()
        _say(f"{error.filename or 'the output'}: no space is left on the disk; make room and run it again")
        sys.exit(1)
    except Exception as error:
        _unexpected(error)


_FULL = {errno.ENOSPC, errno.EDQUOT}


def _unexpected(error: Exception) -> NoReturn:
    """Say that something went wrong that nobody thought of, and where the details are; exit with 1."""
    place = log_unexpected(error)
    _say(f"something unexpected went wrong ({type(error).__name__}: {error}); the details are in {place}")
    sys.exit(1)


def _usage(wrong: TyperException) -> str:
    """What is wrong with the words of a command, and where to see the right ones, as one line."""
    context = getattr(wrong, "ctx", None)
    command = context.command_path if context else "debrief"
    text = wrong.format_message().rstrip(".")
    return f"{text[:1].lower()}{text[1:]}; `{command} -h` says what there is"


def _open_streams() -> None:
    """Give a process that was started with its output closed (`>&-`) somewhere to write."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process


def _forget_output() -> None:
    """Let what is still to be written go nowhere, so that Python does not try it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(line: str) -> None:
    print(f"debrief: {one_line(line)}", file=sys.stderr)
