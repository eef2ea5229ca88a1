"""What is cut out of text, and which names hold secrets."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from video_rag.settings import explain, load_settings
from video_rag.settings.redaction import (
    MASK,
    hide,
    known,
    looks_secret,
    redact,
    redact_urls,
    remember,
    secrets_of,
    shown,
)

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
    told = redact("Incorrect API key provided: sk-proj-abcdefghijklmnop1234.")
    assert told.endswith(f"{MASK}.")
    assert "abcdefgh" not in told
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


KNOWN = 'kN7/pQ2+xR9=vW4 ü"tZ6&mB1yL8'
"""Of no shape that could be told from other text, and with all that must be encoded somewhere."""


@pytest.mark.parametrize(
    "quoted",
    [
        KNOWN,
        json.dumps({"said": KNOWN}),
        json.dumps({"said": KNOWN}, ensure_ascii=False),
        f"GET /x?a={quote(KNOWN, safe='')}",
        f"GET /x?a={quote_plus(KNOWN)}",
        f"GET /x?a={quote(KNOWN, safe='').lower()}",
        f"<p>{html.escape(KNOWN)}</p>",
        f"Basic {base64.b64encode(KNOWN.encode()).decode()}",
        repr({"said": KNOWN}),
    ],
)
def test_a_known_secret_is_cut_out_however_it_is_quoted(quoted: str) -> None:
    remember([KNOWN])
    for clean in (redact(quoted), redact_urls(quoted), known(quoted)):
        assert "pQ2" not in clean
        assert "mB1" not in clean
        assert base64.b64encode(KNOWN.encode()).decode()[8:20] not in clean


@pytest.mark.parametrize(
    "short", ["hG4kTz…", "hG4***w3Xy", "hG4kTz...w3Xy", "…w3Xy", "hG4kxxxxxw3Xy"]
)
def test_a_known_secret_that_a_server_shortened_is_cut_out(short: str) -> None:
    remember(["hG4kTz8sVbN1mQ5jR7cDw3Xy"])
    clean = redact(f"no such key: {short} (401)")
    assert "hG4" not in clean
    assert "w3Xy" not in clean
    assert clean.startswith("no such key: ")
    assert clean.endswith(" (401)")


@given(st.integers(0, 16), st.integers(8, 24))
def test_a_piece_of_a_known_random_secret_is_cut_out(start: int, length: int) -> None:
    secret = "jT5wQz9Kd2Xm7Rb4Vp1Ly8Gc"
    remember([secret])
    piece = secret[start : start + length]
    if len(piece) >= 8:
        assert piece not in redact(f"the key {piece}")


def test_a_known_password_of_words_does_not_cut_those_words() -> None:
    remember(["correct horse battery staple"])
    assert redact("a battery of correct tests") == "a battery of correct tests"


def test_a_short_known_secret_is_left_to_its_shapes() -> None:
    remember(["1234567"])
    assert redact("12345678 of 1234567") == "12345678 of 1234567"
    assert "1234567" not in redact("https://me:1234567@host/?token=1234567")


@pytest.mark.parametrize("word", ["password", "passphrase", "accessToken", "longer2token"])
def test_a_known_secret_that_reads_like_a_name_hides_no_name(word: str) -> None:
    remember([word])
    assert redact(f"{word}=pw123456&a=1").endswith(f"={MASK}&a=1")
    assert "pw123456" not in redact(f'{{"a": "x", "{word}" = "pw123456"}}')


def test_of_a_known_address_only_its_secrets_are_known() -> None:
    remember(["http://reader:longPassw0rd@proxy.example:3128"])
    assert redact("proxy.example:3128 said longPassw0rd") == f"proxy.example:3128 said {MASK}"


@pytest.mark.parametrize(
    "value",
    [
        "SESSDATA=a1%2C1b5d7; bili_jct=0123456789",
        "sid=abcdefgh; theme=dark",
        "sk-proj-abcdefghijklmnop1234",
        "dataset-abcdefghijklmnop1234",
        "vr_0123abcd_abcdefghijklmnopqrstuvwxyz0123456789",
        "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl",
        "zX81mQw02KfTr63LsVb9",
    ],
)
def test_a_secret_in_the_wrong_setting_is_masked_and_known(value: str) -> None:
    settings = load_settings({"answerers": {"openai": {"model": value}}}, env={})
    row = next(one for one in explain(settings) if one.name == "answerers.openai.model")
    assert MASK in row.value
    secret = next(secrets_of(value))
    assert secret not in row.value
    assert secret not in repr(settings)
    assert redact(f"no model is called {secret}") == f"no model is called {MASK}"


def test_a_line_of_a_cookie_file_is_quoted_without_its_value() -> None:
    line = ".site.org\tTRUE\t/\tTRUE\t0\tlogin\tabcdefgh"
    for text in (f"bad line: {line}", f"bad line: {line!r}"):
        assert "abcdefgh" not in redact(text)
        assert "login" in redact(text)
