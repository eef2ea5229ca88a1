"""dify create · status · check (chatflow and connect: dify_apps.py)"""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from video_rag.cli import dify_apps
from video_rag.cli.ops import print_finding
from video_rag.cli.show import escape, out, print_json, print_table
from video_rag.cli.videos import Json, open_library
from video_rag.errors import UsageError

app = typer.Typer(
    help="Care for a knowledge base in Dify.", no_args_is_help=True, add_completion=False
)

MODEL = "AUTHOR/PLUGIN/PROVIDER/MODEL"
To = Annotated[str, typer.Option(help="Name of the knowledge base in the settings.")]


class Mode(StrEnum):
    """How a dataset is indexed."""

    ECONOMY = "economy"
    HIGH_QUALITY = "high-quality"


@app.command()
def create(
    mode: Annotated[Mode, typer.Option(help="By keywords, or with an embedding model.")],
    name: Annotated[str, typer.Option(help="Name of the dataset in Dify.")] = "video-rag",
    embedding: Annotated[
        str, typer.Option(help="Embedding model; empty: the workspace's own.", metavar=MODEL)
    ] = "",
    rerank: Annotated[str, typer.Option(help="Ranking model; empty: none.", metavar=MODEL)] = "",
    parent_child: Annotated[
        bool, typer.Option("--parent-child", help="Also index smaller pieces of each passage.")
    ] = False,
    to: To = "dify",
    as_json: Json = False,
) -> None:
    """Make a dataset in Dify and publish to it from now on; harmless when it is there already."""
    from video_rag.operations import dify

    wishes = {
        "mode": mode.value,
        **_model("embedding", embedding),
        **_model("rerank", rerank),
        "segmentation": "parent-child" if parent_child else "",
    }
    given = {option: value for option, value in wishes.items() if value}
    library = open_library()
    dataset, is_new = dify.create(library, to, name, **given)
    if as_json:
        print_json({"dataset_id": dataset.id, "name": name, "created": is_new})
        return
    out.print(f"{'made' if is_new else 'found'} the dataset {escape(name)}: {dataset.id}")
    kept = [f'{option} = "{value}"' for option, value in given.items() if option != "mode"]
    if to != "dify":
        kept.append(f'dataset_id = "{dataset.id}"')
    if kept:
        out.print("keep this in video-rag.toml:")
        out.print(escape("\n".join([f"[knowledge.{to}]", *kept])))
    if other := dify.chosen_elsewhere(library, to, dataset):
        out.print(
            f"the settings name another dataset ({escape(other)}): set dataset_id to this one"
        )
    out.print("[dim]next: video-rag publish --all[/]")


def _model(kind: str, name: str) -> dict[str, str]:
    """The options that `langgenius/openai/openai/text-embedding-3-small` stands for.

    A provider has three parts, and a model's own name may hold slashes.
    """
    if not name:
        return {}
    provider, model = "/".join(name.split("/")[:3]), "/".join(name.split("/")[3:])
    if not model:
        raise UsageError(
            f"{name!r} names no model of a provider",
            hint="write it as Dify does, such as langgenius/openai/openai/text-embedding-3-small",
        )
    return {f"{kind}_provider": provider, f"{kind}_model": model}


@app.command()
def status(to: To = "dify", as_json: Json = False) -> None:
    """Show every video in Dify: its state, its segments, and what is wrong with it."""
    from video_rag.operations import publishing

    rows = publishing.status_rows(open_library(), to)
    if as_json:
        print_json(rows)
    elif not rows:
        out.print("Nothing is published. Try: [bold]video-rag publish --all[/]")
    else:
        columns = ("video", "state", "segments", "revision", "problem")
        print_table(
            columns,
            [
                (
                    row["video_id"],
                    row["state"],
                    "" if row["segments"] is None else str(row["segments"]),
                    row["revision"][:8],
                    row["problem"],
                )
                for row in rows
            ],
        )


@app.command()
def check(to: To = "dify", as_json: Json = False) -> None:
    """Look at keys, version, dataset, worker and limits; each fault comes with its remedy.

    To see whether the worker runs, a document of two words is indexed and deleted.
    """
    from video_rag.operations import dify

    findings = []
    for finding in dify.examine(open_library(), to):
        findings.append(finding)
        if not as_json:
            print_finding(finding)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    raise typer.Exit(4 if any(finding.state == "wrong" for finding in findings) else 0)


dify_apps.register(app)
