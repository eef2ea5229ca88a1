"""search · ask · eval"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from video_rag.cli.show import brief, err, escape, out, print_json, print_table
from video_rag.cli.videos import Json, open_library
from video_rag.errors import VideoRagError
from video_rag.operations import inputs
from video_rag.text import timecode

if TYPE_CHECKING:
    from video_rag.library import Library
    from video_rag.model import Answer, Hit

Limit = Annotated[int | None, typer.Option(help="At most so many passages.", min=1, max=1000)]
Collection = Annotated[str | None, typer.Option(help="Only in this collection.")]
Language = Annotated[str | None, typer.Option(help="Only passages in this language.")]
Speaker = Annotated[
    str | None, typer.Option(help="Only what this person says; a part of the name is enough.")
]
Knowledge = Annotated[str | None, typer.Option(help="The knowledge base to look in.")]


def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    limit: Limit = None,
    collection: Collection = None,
    language: Language = None,
    speaker: Speaker = None,
    knowledge: Knowledge = None,
    as_json: Json = False,
) -> None:
    """Show the passages that fit best."""
    from video_rag.model import Query
    from video_rag.operations.rows import hit_row

    with closing(open_library()) as library:
        hits = library.search(
            Query(
                text=query,
                limit=limit or library.settings.search.limit,
                collection=collection,
                language=inputs.check_filter(language),
                speaker=speaker,
            ),
            knowledge,
        )
        if hits:
            _tell_lost(library, knowledge)
    if as_json:
        print_json([hit_row(hit) for hit in hits])
        return
    for number, hit in enumerate(hits, 1):
        _print_hit(number, hit)
    if not hits:
        out.print("nothing found")


def ask(  # noqa: PLR0913, PLR0917 - each is an option of the command
    question: Annotated[str, typer.Argument(help="A question, in any language.")],
    limit: Limit = None,
    collection: Collection = None,
    language: Language = None,
    speaker: Speaker = None,
    knowledge: Knowledge = None,
    answerer: Annotated[str | None, typer.Option(help="Who answers.")] = None,
    as_json: Json = False,
) -> None:
    """Answer a question, with citations that open the very second."""
    from video_rag.answerers import Delta, Done
    from video_rag.model import Question
    from video_rag.operations.rows import answer_row

    with closing(open_library()) as library:
        asked = Question(
            text=question,
            limit=limit or library.settings.ask.passages,
            collection=collection,
            language=inputs.check_filter(language),
            speaker=speaker,
        )
        streamed = ""
        _tell_lost(library, knowledge)
        for event in library.ask(asked, answerer, knowledge):
            if isinstance(event, Delta) and not as_json and out.is_terminal:
                out.print(escape(event.text), end="")
                streamed += event.text
            elif isinstance(event, Done):
                if as_json:
                    print_json(answer_row(event.answer))
                else:
                    _print_answer(event.answer, streamed)


def evaluate(
    questions: Annotated[Path, typer.Argument(help="JSON lines with known places.")],
    knowledge: Knowledge = None,
    as_json: Json = False,
) -> None:
    """Measure search: how often the right place is among the first passages."""
    score = open_library().evaluate(questions, knowledge)
    if as_json:
        print_json(score)
        return
    languages = score["by_language"]
    rows = [("all", score), *((name, languages[name]) for name in sorted(languages))]
    columns = ("n", "hit@1", "hit@5", "hit@10", "mrr")
    print_table(
        ("language", *columns),
        [(name, *(_figure(part[column]) for column in columns)) for name, part in rows],
    )


def _tell_lost(library: Library, knowledge: str | None) -> None:
    """What is found is shown, though there may be better in what the base lost."""
    try:
        library.refuse_lost(knowledge)
    except VideoRagError as error:
        err.print(f"[yellow]![/] {escape(str(error))}")
        err.print(f"  [bold]hint:[/] {escape(error.hint)}")


def _figure(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _print_hit(number: int, hit: Hit) -> None:
    chunk = hit.chunk
    when = timecode.span(chunk.start, chunk.end)
    out.print(f"[bold]{number}. {escape(brief(chunk.title))}[/] {when}  [dim]{hit.score:.2f}[/]")
    text = " ".join(chunk.text.split())
    out.print(f"   {escape(text[:280])}{'…' if len(text) > 280 else ''}")
    out.print(f"   [dim]{escape(chunk.url)}[/]")


def _print_answer(answer: Answer, streamed: str) -> None:
    """The answer after its check, unless that is what was streamed; then its citations."""
    if streamed:
        out.print()
    if streamed.strip() != answer.answer.strip():
        if streamed:
            out.print("\n[dim]checked against the passages:[/]")
        out.print(escape(answer.answer))
    if answer.citations:
        out.print()
    for c in answer.citations:
        when = timecode.span(c.start, c.end)
        out.print(
            f"[bold]\\[{c.number}][/] {escape(brief(c.title))} {when}  [dim]{escape(c.url)}[/]"
        )
