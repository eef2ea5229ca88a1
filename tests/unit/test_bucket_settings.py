from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import BadSettings
from video_rag.settings import load_settings
from video_rag.settings.buckets import place


@given(text=st.text(max_size=40))
def test_a_place_is_a_folder_or_a_bucket_or_refused(text: str) -> None:
    for value in (text, f"s3://{text}", f"{text}://bucket/x"):
        try:
            found = place(value)
        except ValueError:
            continue
        if isinstance(found, str):
            assert place(found) == found
            assert found.partition("://")[0] in {"s3", "gs", "az"}
            assert not found.endswith("/")
            assert "@" not in found.split("/")[2]
        else:
            assert found.is_absolute()


def test_a_login_in_a_buckets_url_is_refused_without_being_repeated() -> None:
    for url in ("s3://AKIAKEY:geheimnis@bucket/x", "s3://geheimnis@bucket"):
        with pytest.raises(BadSettings) as caught:
            load_settings({"library": {"media": url}}, env={})
        assert "must hold no key" in str(caught.value)
        assert "geheimnis" not in f"{caught.value}{caught.value.hint}"


def test_a_bucket_is_no_folder_relative_to_where_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "video-rag.toml").write_text('[blobs]\nurl = "s3://bucket/a/"\n')
    env = {"DOC_SAVE_PATH": "s3://bucket/docs", "VIDEO_SAVE_PATH": "films"}
    settings = load_settings(env=env, cwd=tmp_path)
    assert settings.blobs.url == "s3://bucket/a"
    assert settings.library.documents == "s3://bucket/docs"
    assert settings.library.media == tmp_path / "films"
