"""clean: what is old and can be had again goes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from video_rag.cli.backups import KeyFile, size
from video_rag.cli.show import escape, out, print_json
from video_rag.cli.videos import Json, open_library


def clean(
    older_than: Annotated[
        str | None, typer.Option(help="90m, 36h, 30d, 4w.", metavar="AGE")
    ] = None,
    keep: Annotated[
        int | None, typer.Option(help="How many backups in \\[backup] to stay.", min=1)
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go; nothing does.")
    ] = False,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Let go of what is old and can be had again; never of what a video still needs.

    Downloaded media of ready videos, which are fetched again when a stage needs them; results that
    nothing refers to; caches, logs put aside, copies from before an upgrade. What is not ready
    keeps its files, and yours stay. With --keep also old backups. \\[clean] sets how much
    media may take, and how long videos of a collection are kept.
    """
    from video_rag.operations import cleaning
    from video_rag.operations.backing import place as places

    seconds = cleaning.age(older_than)
    library = open_library()
    settings = library.settings
    found = list(cleaning.clean(library, seconds, is_dry=dry_run))
    if keep is not None:
        secret = places.secret_in(key_file, settings)
        place = places.open_place(
            settings, settings.backup.to, secret, library=library.parts.identify()
        )
        found.append(cleaning.thin(library, place, keep, is_dry=dry_run))
    if as_json:
        print_json({"is_dry": dry_run, "cleaned": [asdict(one) for one in found]})
        return
    for one in found:
        many = f", {size(one.bytes)}" if one.bytes else ""
        out.print(f"{one.many:>7} {one.what}{many}")
        for name in one.names:
            out.print(f"        {escape(name)}")
    if dry_run:
        out.print("[dim]nothing was deleted: this was a dry run[/]")
