"""The commands of `video-rag`, and a group that imports a command's module when it is called.

So `--help`, completion and each command pay for no other command. The help is written here once
more, for a list that imports none; `tests/unit/test_startup.py` holds it against their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


class Command(NamedTuple):
    """Where a command is written, and what the list of commands says of it."""

    place: str
    """`module:name` below `video_rag.cli`; a function, or the Typer app of a group."""
    help: str


COMMANDS = {
    "add": Command(
        "videos:add", "Take in videos: fetch, transcribe, read slides, write the document, publish."
    ),
    "show": Command("videos:show", "Show one video: facts, failures, notes, sections."),
    "remove": Command(
        "videos:remove",
        "Take videos out of the library and of every knowledge base; your files stay untouched.",
    ),
    "retry": Command("videos:retry", "Forget failures and work again on what is not ready."),
    "export": Command("videos:export", "Write documents into a folder."),
    "list": Command("videos:list_videos", "Show the videos and how far each is."),
    "status": Command(
        "status:status",
        "Show what is at work, what waits, how fast it goes and what stands in its way.",
    ),
    "run": Command(
        "passes:run",
        "One pass over everything due: look at subscriptions, work on what is unfinished, sum up.",
    ),
    "tick": Command(
        "passes:tick",
        "Go on with what is due and look at nothing else: cheap, for clocks that call every "
        "minute.",
    ),
    "schedule": Command(
        "passes:schedule",
        "Be the clock: call `tick` and `run` at the times that the settings name, until ended.",
    ),
    "report": Command(
        "report:report_app",
        "Look back: where the time goes, what went wrong, what was asked, how the machine is.",
    ),
    "worker": Command(
        "workers:worker",
        "Run stages of the library's videos until told to end, here and wherever else one runs.",
    ),
    "queue": Command("workers:queue_app", "Show what waits for workers, and what they put aside."),
    "requests": Command(
        "requests:requests_app", "Show what was asked for and how far it is; take it back."
    ),
    "search": Command("ask:search", "Show the passages that fit best."),
    "ask": Command("ask:ask", "Answer a question, with citations that open the very second."),
    "eval": Command(
        "ask:evaluate", "Measure search: how often the right place is among the first passages."
    ),
    "publish": Command(
        "publish:publish", "Bring a knowledge base such as Dify in line with the library."
    ),
    "settings": Command(
        "ops:show_settings", "Print the settings in force, where each comes from, secrets masked."
    ),
    "plugins": Command("ops:show_plugins", "List plug-ins and their options."),
    "doctor": Command(
        "ops:examine",
        "Look whether all that is needed is there, and say what to do where it is not.",
    ),
    "serve": Command(
        "ops:serve", "Serve the page and the API; loopback without keys, elsewhere only with them."
    ),
    "update": Command(
        "update:update",
        "Bring a newer yt-dlp, since sites change; nothing else is installed or changed.",
    ),
    "watch": Command(
        "watch:watch_app",
        "Follow channels, playlists, feeds and folders: their new videos are taken.",
    ),
    "dify": Command("dify:app", "Care for a knowledge base in Dify."),
    "selftest": Command(
        "selftest:selftest",
        "Test a running server: add a sample, ask in two languages, publish, take it out again.",
    ),
    "clean": Command(
        "clean:clean",
        "Let go of what is old and can be had again; never of what a video still needs.",
    ),
    "backup": Command(
        "backups:backup",
        "Make a backup while everything runs: what is new is copied, all of it verified.",
    ),
    "backups": Command("backups:list_backups", "List the backups in a folder or bucket."),
    "restore": Command(
        "backups:restore", "Bring a backup back: into an empty home, or in place of a library."
    ),
    "migrate-blobs": Command(
        "moving:migrate_blobs",
        "Copy results, media and documents into a bucket, or back into a folder, and prove them.",
    ),
    "migrate-ledger": Command(
        "moving:migrate_ledger",
        "Copy the ledger to PostgreSQL, or back to a file, and count what came there.",
    ),
    "keys": Command("ops:keys_app", "Make, list and revoke API keys."),
    "sites": Command("sites:sites_app", "Show which sites are left alone for now, and why."),
}


@cache
def load(name: str) -> Any:
    """The command of this name as typer runs it; imports its module."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    app = getattr(import_module(f"video_rag.cli.{module}"), attribute)
    if not isinstance(app, typer.Typer):
        function, app = app, typer.Typer(add_completion=False)
        app.command()(function)
    command = get_command(app)
    command.name = name
    return command


class _Loaded(Mapping[str, Any]):
    """All commands by name; each is loaded when somebody takes it out."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Group(TyperGroup):
    """The commands of the table: named and described without an import, loaded when called."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**{**how, "commands": None})
        self.commands = cast("Any", _Loaded())

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """The names, in the order in which they are shown."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's signature
        """Name and help, for lists and completion; what is run comes from `resolve_command`."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name].help)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that the first argument names, loaded; else typer's error, as ever."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and load(str(name)), rest
