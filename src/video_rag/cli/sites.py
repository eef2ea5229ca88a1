"""sites · sites forget: what is remembered of web sites"""

from __future__ import annotations

from typing import Annotated

import typer

from video_rag.cli.show import escape, here, out, print_json, print_table
from video_rag.cli.videos import Json, open_library

sites_app = typer.Typer(
    help="Show which sites are left alone for now, and why.", add_completion=False
)


@sites_app.callback(invoke_without_command=True)
def show_sites(context: typer.Context, as_json: Json = False) -> None:
    """Show which sites are left alone for now, and why."""
    if context.invoked_subcommand is not None:
        return
    from video_rag.operations import sites

    found = sites.rows(open_library().ledger.sites)
    if as_json:
        print_json(found)
        return
    if not found:
        out.print("No site was visited yet.")
        return
    table = [
        (
            row["site"],
            here(row["cooling_until"]),
            row["reason"],
            str(row["strikes"]),
            str(row["visits_today"]),
        )
        for row in found
    ]
    print_table(("site", "left alone until", "why", "walls", "videos today"), table)


@sites_app.command("forget")
def forget_site(
    site: Annotated[str, typer.Argument(help="The site, such as youtube.com, or a URL of it.")],
    as_json: Json = False,
) -> None:
    """Visit a site again at once, whatever wall it put up."""
    from video_rag.operations import sites

    state = sites.forget(open_library().ledger.sites, site)
    if as_json:
        print_json({"site": state.site})
        return
    out.print(f"{escape(state.site)} is visited again")
