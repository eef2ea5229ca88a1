"""The address of a moment on the page of `video-rag serve`."""

from __future__ import annotations

from urllib.parse import quote


def moment(base: str, video_id: str, seconds: float) -> str:
    """The page that opens this video at that second."""
    at = f"{max(seconds, 0.0):.3f}".rstrip("0").rstrip(".")
    return f"{base.rstrip('/')}/#/video/{quote(video_id, safe=':')}?t={at}"
