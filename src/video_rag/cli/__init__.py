"""The command `video-rag`: reads arguments, calls the library, prints; errors become exit codes."""

from __future__ import annotations

import gc
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from video_rag import __version__
from video_rag.cli.commands import Group
from video_rag.cli.show import complain, redact
from video_rag.errors import UsageError, VideoRagError

app = typer.Typer(
    cls=Group,
    name="video-rag",
    help="Turn videos into a knowledge base that cites the very second.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"video-rag {__version__}")
        raise typer.Exit


@app.callback()
def whole(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """What may stand before every command."""


# stamina logs each retry; without a handler Python would print its bare event name.
logging.getLogger("stamina").addHandler(logging.NullHandler())


_COLLECTED = 50_000
"""New objects after which garbage is looked for. Importing makes many and no garbage: Python's 700
cost a short command a tenth of its time."""
_STOPPED = 130
"""What a shell expects of a program that was interrupted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code (see docs/reference/errors.md)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        refuse_unreadable(given)
        code = app(given, prog_name="video-rag", standalone_mode=False)
    except VideoRagError as error:
        complain(str(error), error.hint)
        return error.exit_code
    except typer.TyperException as error:
        command = ctx.command_path if (ctx := getattr(error, "ctx", None)) else "video-rag"
        hint = f"see `{command} --help`; a name that begins with a dash goes after `--`"
        told = error.format_message() or str(error) or "no command given"
        complain(told.replace(": Value error, ", ": "), hint)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        code = _STOPPED
    except BrokenPipeError:
        sys.stderr.close()  # the reader left; Python would complain about stdout at exit
        return 0
    except Exception as error:  # noqa: BLE001 - one of the three named places: anything else is a bug of ours
        return _unforeseen(error)
    if code == _STOPPED:  # typer makes an exit of the interrupt
        complain("stopped", "run it again: it goes on where it was")
    return int(code or 0)


def _unforeseen(error: Exception) -> int:
    """Tell of what nobody translated: a disk without room, wherever that is met, or a bug."""
    from video_rag import disk

    if isinstance(error, OSError) and (refused := disk.foreseen(error, Path.cwd())):
        complain(str(refused), refused.hint)
        return refused.exit_code
    sys.stderr.write(redact("".join(traceback.format_exception(error))))
    hint = "please report it with the lines above"
    complain(f"a bug in video-rag: {type(error).__name__}: {redact(str(error))}", hint)
    return 1


def refuse_unreadable(arguments: Sequence[str]) -> None:
    """Raise `UsageError` for bytes that are no UTF-8, unless they name a file that is there."""
    for argument in arguments:
        if not argument.isascii() and not os.path.lexists(argument):
            try:
                argument.encode()
            except UnicodeEncodeError:
                raise UsageError(
                    f"not UTF-8, and no file: {os.fsencode(argument)!r}",
                    hint="have the terminal send UTF-8 (`locale` says what it sends now)",
                ) from None


def run() -> None:
    """The entry point of the installed command."""
    gc.set_threshold(_COLLECTED)
    sys.exit(main())
