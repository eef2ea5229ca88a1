"""settings · plugins · doctor · serve · keys"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from video_rag.cli.show import escape, here, out, print_json, print_table
from video_rag.cli.videos import Json, open_library

if TYPE_CHECKING:
    from video_rag.operations.doctor import Finding

keys_app = typer.Typer(
    help="Make, list and revoke API keys.", no_args_is_help=True, add_completion=False
)


def show_settings(as_json: Json = False) -> None:
    """Print the settings in force, where each comes from, secrets masked."""
    from video_rag.operations.listing import written
    from video_rag.settings import explain, load_settings

    found = explain(load_settings())
    if as_json:
        print_json([asdict(setting) for setting in found])
        return
    rows = [(s.name, written(s.value), s.origin) for s in found]
    print_table(("setting", "value", "from"), rows, above=0)


def show_plugins(
    name: Annotated[
        str | None, typer.Argument(help="A family, or family.name for its options.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List plug-ins and their options."""
    from video_rag import plugins
    from video_rag.operations import listing

    family, _, plugin = (name or "").partition(".")
    if plugin:
        options = listing.options(family, plugin)
        if as_json:
            print_json(options)
        else:
            columns = ("option", "default", "what")
            print_table(columns, [(o["name"], o["default"], o["description"]) for o in options])
        return
    rows = listing.plugins([family] if family else list(plugins.FAMILIES))
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("family", "name", "what"), [(r["family"], r["name"], r["summary"]) for r in rows]
        )


def examine(
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Read all that is stored; takes its time.")
    ] = False,
    security: Annotated[
        bool, typer.Option("--security", help="Name every weak spot instead, each with its remedy.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look whether all that is needed is there, and say what to do where it is not."""
    from video_rag.operations import doctor
    from video_rag.settings import load_settings

    if security:
        from video_rag.operations import weak

        findings = weak.findings(load_settings())
    else:
        findings = doctor.examine(load_settings(), thorough=thorough)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    for finding in findings if not as_json else ():
        print_finding(finding)
    raise typer.Exit(4 if any(_counts(finding, security) for finding in findings) else 0)


def _counts(finding: Finding, is_security: bool) -> bool:
    """Whether it makes the command fail; of weak spots each does."""
    return finding.state == "wrong" or (is_security and finding.state == "note")


def print_finding(finding: Finding) -> None:
    """A line with a mark, and what to do where something is wrong."""
    mark = {"ok": "[green]✓[/]", "note": "[yellow]![/]", "wrong": "[bold red]✗[/]"}
    out.print(f"{mark[finding.state]} {escape(finding.name)}: {escape(finding.detail)}")
    if finding.hint:
        out.print(f"  [bold]hint:[/] {escape(finding.hint)}")


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=0, max=65535)] = None,
) -> None:
    """Serve the page and the API; loopback without keys, elsewhere only with them."""
    from video_rag.api.server import serve as run

    library = open_library()
    server = library.settings.server
    chosen = server.port if port is None else port
    run(library, host or server.host, chosen, lambda url: out.print(f"open [bold]{url}[/]"))


@keys_app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    role: Annotated[str, typer.Option(help="read, write or admin.")] = "read",
    as_json: Json = False,
) -> None:
    """Make a key and show it, this once."""
    from video_rag.operations import keys

    key, plain = keys.make(open_library().ledger, name, role)
    if as_json:
        print_json({"key_id": key.key_id, "name": key.name, "role": key.role, "key": plain})
        return
    out.print(plain)
    out.print(f"[dim]keep it now: it is stored hashed and cannot be shown again ({key.role})[/]")


@keys_app.command("list")
def list_keys(as_json: Json = False) -> None:
    """List the keys; the keys themselves are not stored."""
    from video_rag.operations.rows import key_row

    found = [key_row(key) for key in open_library().ledger.api_keys()]
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("There are no keys. Make one: [bold]video-rag keys add NAME[/]")
        return
    rows = [
        (row["key_id"], row["name"], row["role"], here(row["created"]), "yes" * row["revoked"])
        for row in found
    ]
    print_table(("key_id", "name", "role", "created", "revoked"), rows)


@keys_app.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="Id or name of the key.")]) -> None:
    """Shut a key out at once."""
    from video_rag.operations import keys

    key = keys.revoke(open_library().ledger, key_id)
    out.print(f"revoked {escape(key.name)} ({key.key_id})")
