"""Local files and folders: which files are a lecture, and which subtitles belong to it."""

from __future__ import annotations

from video_rag.sources.folder.source import Folder

__all__ = ["Folder"]
