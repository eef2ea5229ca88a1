"""The nouns: frozen values that every layer speaks in.

Times are `float` seconds from the start of the video, named `start`, `end`, `at` or `duration`.
"""

from __future__ import annotations

from video_rag.model.answers import Answer, Citation, Hit, Query, Question, Turn
from video_rag.model.documents import Chunk, Document, Page, Receipt, Section
from video_rag.model.noun import Later, Noun, Others, Told
from video_rag.model.videos import Beside, Chapter, Copy, Job, Kind, Media, MediaSet, Origins, Video
from video_rag.model.words import (
    BEST_ORIGIN,
    Frame,
    Frames,
    Line,
    Origin,
    Segment,
    Slide,
    Slides,
    Transcript,
    Transcripts,
    join_lines,
    join_spoken,
)

__all__ = [
    "Noun",
    "Later",
    "Told",
    "Others",
    "Kind",
    "Chapter",
    "Beside",
    "Copy",
    "Origins",
    "Video",
    "Media",
    "MediaSet",
    "Job",
    "Origin",
    "BEST_ORIGIN",
    "Segment",
    "Transcript",
    "Transcripts",
    "Frame",
    "Frames",
    "Line",
    "Slide",
    "Slides",
    "join_lines",
    "join_spoken",
    "Section",
    "Document",
    "Page",
    "Chunk",
    "Receipt",
    "Query",
    "Hit",
    "Citation",
    "Turn",
    "Question",
    "Answer",
]
