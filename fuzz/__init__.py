"""Damages subtitles and media: looks for crashes, lost cues, time and memory that explode."""
