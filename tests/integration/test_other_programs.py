"""Programs that yt-dlp would start beside itself, past the checking proxy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from video_rag.sources.ytdlp.door import Door

pytest.importorskip("yt_dlp")


@pytest.mark.parametrize("allow_private", [True, False])
def test_a_page_s_scripts_are_run_by_no_phantomjs(
    allow_private: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yt_dlp.extractor.openload import PhantomJSwrapper
    from yt_dlp.utils import ExtractorError

    called = tmp_path / "called"
    program = tmp_path / "phantomjs"
    program.write_text(f"#!/bin/sh\ntouch {called}\necho 2.1.1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with Door(allow_private=allow_private).open("a page", {"quiet": True}) as downloader:
        extractor = downloader.get_info_extractor("Generic")
        with pytest.raises(ExtractorError, match="PhantomJS not found"):
            PhantomJSwrapper(extractor)
    assert not called.exists()
