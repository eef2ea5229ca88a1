"""migrate-blobs and migrate-ledger: a library moves, as it is, to where many machines reach it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

from video_rag.cli.show import err, escape, out
from video_rag.cli.videos import open_library
from video_rag.errors import Unavailable


def migrate_blobs(
    to: Annotated[
        str,
        typer.Option(help="A bucket such as s3://bucket/prefix, or a folder.", metavar="URL"),
    ],
) -> None:
    """Copy results, media and documents into a bucket, or back into a folder, and prove them.

    The library stays as it is until you change the settings as told at the end. Doing it again
    brings only what is not there yet.
    """
    from rich.progress import Progress, TaskID

    from video_rag.operations import moving

    library = open_library()
    missing = 0
    with Progress(console=err.terminal, transient=True, disable=not err.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            task = tasks.setdefault(what, progress.add_task(what, total=of))
            progress.update(task, completed=done)

        for moved in moving.move(library, to, tell):
            missing += len(moved.missing)
            there = moved.named - len(moved.missing)
            out.print(
                f"{moved.what:9} {there} of {moved.named} whole in {escape(moved.where)}, "
                f"{moved.copied} copied now"
            )
    lines = moving.lines_for(moving.target_of(library.settings, to))
    if lines:
        out.print("Now set this in video-rag.toml, on every machine of this library:\n")
        for line in lines:
            out.print(f"    {escape(line)}")
    else:
        out.print(escape("Now take url out of [blobs], and media and documents out of [library]."))
    if missing:
        raise Unavailable(
            f"{missing} were missing or damaged where they lay",
            hint="`video-rag run` makes them again here or there; nothing else is made again",
        )


def migrate_ledger(
    to: Annotated[
        str,
        typer.Option("--to", help="postgresql://user@host:5432/name, or the path of a new file."),
    ],
) -> None:
    """Copy the ledger to PostgreSQL, or back to a file, and count what came there.

    The old one stays as it is; nothing is processed again. Stop what works on the library first.
    """
    from video_rag.operations import ledgers
    from video_rag.settings import load_settings
    from video_rag.settings.redaction import redact_urls

    copied = ledgers.copy(load_settings(), to)
    for table, rows in copied.items():
        if rows:
            out.print(f"{rows:>9} {table}")
    videos = "1 video" if copied["videos"] == 1 else f"{copied['videos']} videos"
    out.print(f"copied and counted: {videos}. To use it from now on, set")
    if "://" in to:
        parts = urlsplit(to)
        is_plain = parts.password is None and not parts.query  # a user alone is no secret
        out.print(f"  VIDEO_RAG_LEDGER__URL={escape(to if is_plain else redact_urls(to))}")
    else:
        out.print("  VIDEO_RAG_HOME to its folder, which needs the name library.db for the file")
