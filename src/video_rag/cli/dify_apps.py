"""dify chatflow · dify connect"""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from video_rag.cli.show import escape, out, print_json
from video_rag.cli.videos import Json, open_library
from video_rag.errors import BadSettings, UsageError

if TYPE_CHECKING:
    from video_rag.operations.dify_chatflow import Published

FILE = Path("video-rag-chatflow.yml")
MODEL = "PROVIDER/NAME"
INDEX = "video-rag index"
"""Not the name of the dataset that `dify create` makes: Dify wants names to differ."""
To = Annotated[str, typer.Option(help="Name of the knowledge base in the settings.")]


class Variant(StrEnum):
    """What a Chatflow is made of."""

    MODEL = "model"
    KEYWORD_ONLY = "keyword-only"
    EXTERNAL = "external"


class Language(StrEnum):
    """What a Chatflow speaks first."""

    EN = "en"
    ZH = "zh"


def register(app: typer.Typer) -> None:
    """Put the commands of this file into the app."""
    app.command("chatflow")(chatflow)
    app.command("connect")(connect)


def chatflow(  # noqa: PLR0913, PLR0917 - each is an option of the command
    output: Annotated[
        Path | None, typer.Option(help=f"File to write; without --import {FILE}.", metavar="FILE")
    ] = None,
    variant: Annotated[
        Variant,
        typer.Option(
            help="model: a language model answers from the dataset; keyword-only: lists passages, "
            "no model; external: a model answers from our own index (see connect)."
        ),
    ] = Variant.MODEL,
    language: Annotated[
        Language, typer.Option(help="Language of opening and prompts; answers follow the question.")
    ] = Language.EN,
    model: Annotated[
        str, typer.Option(help="Language model in Dify; empty: the workspace's own.", metavar=MODEL)
    ] = "",
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Dataset to search, again for several; empty: the one published to."),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(help="Folder with own prompts; a new one is filled with the built-in ones."),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(help="Passages for an answer.", min=1, max=100)
    ] = None,
    score_threshold: Annotated[
        float | None, typer.Option(help="Least score of a passage.", min=0, max=1)
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the app in Dify.")] = "",
    do_import: Annotated[
        bool, typer.Option("--import", help="Put it into Dify, try it and publish it.")
    ] = False,
    to: To = "dify",
    as_json: Json = False,
) -> None:
    """Write a Chatflow for Dify that answers from your videos; --import also puts it there.

    Imported again, it overwrites the app of the same name; it is published only if the draft
    answers a question. Without access to Dify's console, import the file by hand.
    """
    from video_rag.dify.chatflow import write
    from video_rag.operations import dify_chatflow

    library = open_library()
    base = dify_chatflow.dify_base(library, to)
    wishes = dify_chatflow.Wishes(
        variant.value,
        language.value,
        model,
        tuple(dataset or ()),
        prompts,
        name,
        top_k,
        score_threshold,
    )
    is_filled = prompts is not None and not prompts.exists()
    design = dify_chatflow.design(library, base, wishes)
    if is_filled and not as_json:
        out.print(f"wrote the built-in prompts into {escape(str(prompts))}: edit them, then again")
    can_import = do_import and base.options.has_console
    file = output or (None if can_import else FILE)
    if file:
        _write(file, write(design))
    published = None
    if can_import:
        with closing(base.options.console()) as console:
            published = dify_chatflow.put(console, base.state, base.options.base_url, design)
    if as_json:
        print_json(_row(file, published))
    else:
        _report(file, published)
    if do_import and not can_import:
        raise _no_console("the Chatflow was only written")


def connect(  # noqa: PLR0913, PLR0917 - each is an option of the command
    url: Annotated[
        str, typer.Option(help="Where Dify reaches `video-rag serve`; empty: as [server] says.")
    ] = "",
    key: Annotated[str, typer.Option(help="Key of `video-rag keys`; empty: one is made.")] = "",
    name: Annotated[str, typer.Option(help="Name of the knowledge in Dify.")] = INDEX,
    collection: Annotated[str, typer.Option(help="Only this collection.")] = "",
    top_k: Annotated[int, typer.Option(help="Passages for an answer.", min=1, max=100)] = 8,
    score_threshold: Annotated[
        float | None, typer.Option(help="Least score of a passage.", min=0, max=1)
    ] = None,
    to: To = "dify",
    as_json: Json = False,
) -> None:
    """Make this library's own index a knowledge base in Dify; `video-rag serve` must be running.

    Doing it again is harmless: what is registered is looked at, and brought up to date.
    """
    from video_rag.dify.opening import suggested_questions
    from video_rag.operations import dify_chatflow, dify_connect

    library = open_library()
    base = dify_chatflow.dify_base(library, to)
    server = library.settings.server
    address = url or server.public_url or f"http://{server.host}:{server.port}"
    if not base.options.has_console:
        for number, step in enumerate(dify_connect.manual_path(address), start=1):
            out.print(f"  {number}. {escape(step)}")
        raise _no_console("nothing was registered")
    wanted = dify_connect.Endpoint(address, key, name, collection, top_k, score_threshold)
    question = suggested_questions(dify_chatflow.talks(library), "en")[0]
    with closing(base.options.console()) as console:
        connected = dify_connect.connect(
            console, base.state, base.options.base_url, library.ledger, wanted, question
        )
    if as_json:
        print_json(vars(connected))
        return
    verb = "connected" if connected.is_new else "already connected"
    out.print(f"{verb}: Dify asks {escape(connected.endpoint)}")
    out.print(f"dataset {connected.dataset_id}; a test question found {connected.found} passages")
    out.print("[dim]next: video-rag dify chatflow --variant external --import[/]")


def _no_console(consequence: str) -> BadSettings:
    return BadSettings(
        f"nothing opens Dify's console, so {consequence}",
        hint="do it by hand as said above; or set console_email and console_password",
    )


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write {file}: {error.strerror}", hint="name another file with --output"
        ) from error


def _row(file: Path | None, published: Published | None) -> dict[str, Any]:
    row: dict[str, Any] = {"file": str(file) if file else None}
    return {**row, **(vars(published) if published else {})}


def _report(file: Path | None, published: Published | None) -> None:
    from video_rag.operations import dify_chatflow

    if file:
        out.print(f"wrote {escape(str(file))}")
    if file and not published:
        for number, step in enumerate(dify_chatflow.manual_path(str(file)), start=1):
            out.print(f"  {number}. {escape(step)}")
    if published is None:
        return
    out.print(f"{'made' if published.is_new else 'overwrote'} the app, tried and published it")
    out.print(f"  asked   {escape(published.question)}")
    out.print(f"  answer  {escape(published.answer)}")
    for note in published.notes:
        out.print(f"  [yellow]note[/]    {escape(note)}")
    out.print(f"  edit    {escape(published.studio)}")
    out.print(f"  chat    {escape(published.page) or 'its web page is switched off'}")
    out.print(f"keep it for `video-rag ask`: [bold]DIFY_APP_KEY={escape(published.app_key)}[/]")
