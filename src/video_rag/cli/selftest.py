"""selftest: a sample goes all the way through a running server, and is taken out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from video_rag.cli.show import escape, out, print_json
from video_rag.cli.videos import Json


def selftest(
    url: Annotated[
        str | None, typer.Option(help="Address of the server; else \\[server] host and port.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="An admin's API key, where it asks for one; better a file.")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="File with the key.", metavar="FILE")
    ] = None,
    as_json: Json = False,
) -> None:
    """Test a running server: add a sample, ask in two languages, publish, take it out again.

    It goes through the API alone. The server must see this home: run it in its container or on its
    machine. Whatever fails, what was added is removed.
    """
    from video_rag.operations.selftest import key_in, run
    from video_rag.settings import load_settings

    settings = load_settings()
    where = url or f"http://{settings.server.host}:{settings.server.port}"
    steps = []
    for step in run(settings, where.rstrip("/"), key_in(key, key_file)):
        steps.append(step)
        if not as_json:
            mark = "[green]✓[/]" if step.is_ok else "[bold red]✗[/]"
            out.print(f"{mark} {step.name}: {escape(step.detail)} [dim]({step.seconds:.1f} s)[/]")
            if step.hint:
                out.print(f"  [bold]hint:[/] {escape(step.hint)}")
    if as_json:
        print_json([asdict(step) for step in steps])
    raise typer.Exit(0 if all(step.is_ok for step in steps) else 4)
