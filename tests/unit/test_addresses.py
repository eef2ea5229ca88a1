"""What is cut from an address before others see it, and what stays so that it still opens."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.sources.web import link_to
from video_rag.text.addresses import looks_random, masked, public, secrets_in

SECRET = "Q7zK9mXw2LpR4tYv8N"


@pytest.mark.parametrize(
    "name",
    [
        *("token", "access_token", "accessToken", "X-Amz-Signature", "x-amz-security-token"),
        *("key", "api_key", "apikey", "auth", "auth_key", "authkey", "sig", "sign", "Signature"),
        *("Key-Pair-Id", "Policy", "password", "pwd", "passcode", "session", "sessionid", "sid"),
        *("jsessionid", "hdnts", "wsSecret", "rlkey", "access%5Ftoken", "amp;token", "bili_jct"),
        *("SESSDATA", "jwt", "ticket", "X-Goog-Credential", "AWSAccessKeyId", "st", "whatever"),
    ],
)
def test_a_parameter_that_is_a_secret_is_cut_from_an_address(name: str) -> None:
    for url in (
        f"https://host/talk.mp4?v=3&{name}={SECRET}&t=12#t=5",
        f"https://host/talk.mp4?{name}={SECRET}&v=3&t=12#t=5",
        f"https://host/talk.mp4?v=3&t=12&{name}={SECRET}#t=5",
    ):
        clean = public(url)
        assert SECRET not in clean
        assert dict(parse_qsl(urlsplit(clean).query))["v"] == "3"
        assert urlsplit(clean).fragment == "t=5"
        assert SECRET in secrets_in(url)
        assert SECRET not in masked(url, "***")


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=12s&list=PLabc123DEF456ghi789JKL",
        "https://www.bilibili.com/video/BV1xx411c7mD?p=2&t=12",
        "https://www.bilibili.com/festival/x?bvid=BV1xx411c7mD",
        "https://vimeo.com/123456789?h=8272103f6e#t=12s",
        "https://host/watch?id=3f2504e0-4f89-11d3-9a0c-0305e82c3301&lang=zh-Hans",
        "https://host/play?videoId=aB3xY9kLmN0pQ2rS5tU7&start=4",
        "https://host/x?design=1&author=me&keyword=tokens&monkey=1&page=2",
        "https://host/#/talks/3",
        "https://host/?",
        "https://host/a?b&&c=",
        "/home/u/talk?token=1.mp4",
        "file:///home/u/talk.mp4#t=4",
        "",
    ],
)
def test_an_address_without_secrets_stays_byte_for_byte(url: str) -> None:
    assert public(url) == url
    assert masked(url, "***") == url
    assert secrets_in(url) == []


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://me:pw@host/x?a=1", "https://host/x?a=1"),
        ("https://tok@host/", "https://host/"),
        ("https://host/p;jsessionid=A1/x?id=5", "https://host/p/x?id=5"),
        ("https://host/#access_token=abc&t=1", "https://host/#t=1"),
        ("https://host/#/talks/3?token=abc", "https://host/#/talks/3"),
        ("https://host/a.mp4?a=1;token=2;c=3", "https://host/a.mp4?a=1;c=3"),
        (f"https://host/a.mp4?{SECRET}", "https://host/a.mp4"),
        ("https://host/?f=3f2504e0-4f89-11d3-9a0c-0305e82c3301", "https://host/"),
        (
            f"https://host/?url={quote('https://i/?token=abc&v=1', safe='')}",
            f"https://host/?url={quote('https://i/?v=1', safe='')}",
        ),
        ("https://[::1/x?token=abc", "https://[::1/x"),
    ],
)
def test_what_is_left_of_an_address(url: str, clean: str) -> None:
    assert public(url) == clean


def test_a_link_without_its_token_still_opens_at_its_second() -> None:
    url = "https://host/talk.mp4?Expires=99&Signature=abc&v=2"
    assert public(link_to(url, 12.5)) == "https://host/talk.mp4?Expires=99&v=2#t=12.5"


@given(st.text(max_size=60), st.text(max_size=40))
def test_cutting_an_address_twice_changes_nothing_more(path: str, query: str) -> None:
    once = public(f"https://host/{path}?{query}")
    assert public(once) == once


@pytest.mark.parametrize(
    "name",
    [
        *("qwen3:8b", "BAAI/bge-small-en-v1.5", "paraphrase-multilingual-MiniLM-L12-v2"),
        *("DeepSeek-R1-Distill-Qwen-1.5B", "Qwen3-Embedding-0.6B-Q4_K_M", "zh-Hans", "1234567890"),
        *("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "text-embedding-3-small", "lectures-of-2026"),
    ],
)
def test_names_of_models_and_ids_do_not_look_random(name: str) -> None:
    assert not looks_random(name)
