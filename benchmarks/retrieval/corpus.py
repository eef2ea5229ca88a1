"""The lectures in ../shared/corpus, published to a knowledge base of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from video_rag.chunking import ChunkOptions, cut
from video_rag.composers.timeline import Timeline
from video_rag.knowledge.embedded import Embedded
from video_rag.model import Document, MediaSet, Slides, Transcripts, Video
from video_rag.processors.subtitles.reading import read_subtitles

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "corpus"
SETS = {
    "corpus": CORPUS / "questions.jsonl",
    "seen": Path(__file__).with_name("seen.jsonl"),
    "held out": Path(__file__).with_name("held-out.jsonl"),
}
"""The corpus's own questions; ours on other lectures, looked at while the weights were chosen; and
ours on yet other lectures, written after that."""


def documents(composer: Timeline | None = None) -> Iterator[Document]:
    """Every subtitle file as the lecture it is, named as the folder source names it."""
    composer = composer or Timeline(Timeline.Options())
    for language in ("en", "zh"):
        for path in sorted((CORPUS / language).glob("*.srt")):
            video = Video(
                video_id=f"file:{language}-{path.stem}",
                source="folder",
                url=str(path),
                title=path.stem,
                stem=path.stem,
                language=language,
            )
            track = read_subtitles(path, language=language)
            yield composer.compose(
                video, MediaSet(files=()), Transcripts(tracks=(track,)), Slides()
            )


def publish(base: Embedded, made: list[Document], options: ChunkOptions) -> int:
    """Publish documents; returns the number of passages."""
    passages = 0
    for document in made:
        chunks = cut(document, lambda seconds, url=document.video.url: f"{url}#{seconds}", options)
        base.publish(document, chunks, None)
        passages += len(chunks)
    return passages
