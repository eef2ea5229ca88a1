"""A transcript as WebVTT, for the player."""

from __future__ import annotations

from html import escape

from video_rag.model import Transcript
from video_rag.text.timecode import stamp


def vtt(transcript: Transcript) -> str:
    """The cues of one language. Text is escaped: `-->` or a tag in it is shown, not obeyed."""
    cues = ["WEBVTT\n"]
    for segment in transcript.segments:
        words = " ".join(escape(segment.text, quote=False).split())
        cues.append(f"{stamp(segment.start)} --> {stamp(segment.end)}\n{words}\n")
    return "\n".join(cues)
