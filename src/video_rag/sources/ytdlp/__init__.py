"""Web sites, through yt-dlp. `source` has the plug-in and says which file does what."""

from __future__ import annotations

from video_rag.sources.ytdlp.source import YtDlp

__all__ = ["YtDlp"]
