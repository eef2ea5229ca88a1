"""A short run of the fuzz of media files; the long one is `make fuzz`."""

from __future__ import annotations

from fuzz import media


def test_mutated_media_files_are_read_or_refused() -> None:
    assert media.main(30, 1_000) == 0


def test_a_stream_that_appears_midway_is_no_bug_of_ours() -> None:
    assert media.main(1, 4818) == 0
