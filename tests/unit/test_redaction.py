"""What is cut out of text, and which names hold secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from video_rag.settings.redaction import MASK, hide, looks_secret, redact, redact_urls, shown

SECRETS = st.text("abcXYZ0189_-.~", min_size=8, max_size=40).map("Q7z".__add__)


def test_only_addresses_in_a_sentence_are_looked_at() -> None:
    text = 'see ftp://me:Q7zQ7zQ7z@host/?token=Q7zQ7z2, then set cookies = "cookies.txt"'
    clean = redact_urls(text)
    assert "Q7z" not in clean
    assert clean.endswith('then set cookies = "cookies.txt"')


@given(
    secret=SECRETS,
    template=st.sampled_from(
        [
            "GET https://user:{}@host/path failed",
            "GET https://{}@host/path failed",
            "https://host/v?a=1&token={}&b=2",
            "https://host/v?api_key={}",
            "{{'api_key': '{}', 'a': 1}}",
            '{{"access_token": "{}"}}',
            "https://host/feed?auth={}",
            "https://host/feed?a=1&sig={}&b=2",
            "password={}",
            "Authorization: Bearer {}",
            "'authorization': 'Basic {}'",
            "sent Bearer {} to the server",
            "Cookie: a=1; SESSDATA={}; b=2",
            "set-cookie: x={}; Path=/",
        ]
    ),
)
def test_a_secret_in_text_is_cut_out(secret: str, template: str) -> None:
    clean = redact(template.format(secret))
    assert secret not in clean
    assert MASK in clean


@pytest.mark.parametrize(
    "text",
    [
        "the cookie file was not found",
        "see https://host/watch?v=abc&t=12",
        "mail someone@example.org",
        "the key frame at 12:30",
        "max_tokens=500",
        "basic research on tokens",
        "dataset-of-lectures-from-2026-and-before",
        "",
    ],
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_keys_that_servers_quote_are_cut_out() -> None:
    assert redact("Incorrect API key provided: sk-proj-abcdefghijklmnop1234.").endswith(
        f"sk-{MASK}."
    )
    assert "dataset-" + "x" * 24 not in redact("no access with dataset-" + "x" * 24)


def test_what_follows_a_header_line_stays() -> None:
    assert redact("Cookie: a=b\nHost: x") == f"Cookie: {MASK}\nHost: x"


def test_cutting_is_the_same_when_done_twice() -> None:
    once = redact("https://u:p@h/?token=abc Authorization: Bearer x")
    assert redact(once) == once


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "api_key",
        "apiKey",
        "API_KEYS",
        "X-Api-Key",
        "token",
        "password",
        "client_secret",
        "proxy",
    ],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    ["cookies", "key_file", "max_tokens", "monkey", "dataset_id", "token_limit", "keywords", "url"],
)
def test_other_names_are_no_secrets(name: str) -> None:
    assert not looks_secret(name)


def test_hiding_keeps_what_is_no_secret() -> None:
    assert hide("dify", {"url": "u", "key": 5, "auto": True}) == {
        "url": "u",
        "key": SecretStr("5"),
        "auto": True,
    }
    assert hide("key", None) is None


def test_what_is_shown_holds_no_secret() -> None:
    value = {"key": SecretStr("x"), "empty": SecretStr(""), "list": (1, None, "http://u:p@h")}
    assert shown(value) == {"key": MASK, "empty": "", "list": [1, None, f"http://{MASK}@h"]}
