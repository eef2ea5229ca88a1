"""Hostile URLs, titles and paths."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import NotFound, Unavailable, UnsupportedUrl
from video_rag.net.guard import check_host, check_url, inside, public_addresses, safe_name


def public(host: str, port: int) -> list[str]:
    return ["93.184.216.34"]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/a.mp4",
        "gopher://example.com/",
        "javascript:alert(1)",
        "data:text/html,hi",
        "//example.com/a.mp4",
        "example.com/a.mp4",
        "http://",
        "http:///a.mp4",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://example.com@127.0.0.1/",
        "http://:@example.com/",
        "http://example.com:99999/",
        "http://example.com:port/",
        "http://[::1/",
        "http://example.com/a b",
        "http://example.com/\r\nHost: other",
        "http://example.com/\x00",
        "http://example.com\\@127.0.0.1/",
        "http://example.com/\u202emp4",
        "http://example.com/" + "a" * 3000,
    ],
)
def test_a_malformed_or_foreign_url_is_refused(url: str) -> None:
    with pytest.raises(UnsupportedUrl):
        check_url(url, lookup=public)
    with pytest.raises(UnsupportedUrl):
        check_url(url, lookup=public, allow_private=True)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "localhost",
        "LOCALHOST.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1%25eth0]",
        "[fc00::1]",
        "[ff02::1]",
        "[::127.0.0.1]",
        "[64:ff9b:1::1]",
        "[fec0::1]",
        "１２７.０.０.１",
        "127。0。0。1",
        "ｌｏｃａｌｈｏｓｔ",
    ],
)
def test_this_machine_and_private_networks_are_refused(host: str) -> None:
    with pytest.raises(UnsupportedUrl):
        check_url(f"http://{host}/a.mp4")
    with pytest.raises(UnsupportedUrl):
        check_url(f"http://{host}:8080/a.mp4", resolve=False)
    check_url(f"http://{host}/a.mp4", allow_private=True)


@pytest.mark.parametrize(
    "host", ["printer", "nas.local", "metadata.google.internal", "router.home.arpa", "a.localhost."]
)
def test_names_of_local_networks_are_refused_without_a_look_up(host: str) -> None:
    with pytest.raises(UnsupportedUrl) as caught:
        check_host(host)
    assert caught.value.reason == "private-network"
    check_host("talks.example.com")
    check_host("[2606:4700:4700::1111]")  # an address needs no dot


@pytest.mark.parametrize(
    "host", ["127%2e0.0.1", "8.8.8.8%2f", "a..b", "a b.example", "a@b.example"]
)
def test_a_host_that_two_programs_may_read_differently_is_refused(host: str) -> None:
    with pytest.raises(UnsupportedUrl, match="malformed"):
        public_addresses(host, 443, lookup=public)


def test_addresses_come_once_each_in_the_order_of_the_name_server() -> None:
    found = ["93.184.216.34", "1.1.1.1", "93.184.216.34"]
    assert public_addresses("a.example", 443, lookup=lambda host, port: found) == found[:2]
    here = public_addresses("a.example", 1, allow_private=True, lookup=lambda host, port: ["::1"])
    assert here == ["::1"]


def test_a_name_with_one_private_address_among_public_ones_is_refused() -> None:
    with pytest.raises(UnsupportedUrl, match="private network"):
        check_url("https://example.com/", lookup=lambda host, port: ["93.184.216.34", "10.0.0.1"])


def test_a_name_without_any_address_is_unavailable() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(Unavailable, match=r"nowhere\.invalid is not known"):
        check_url("https://nowhere.invalid/", lookup=unknown)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=10s#x",
        "http://93.184.216.34:8080/a.mp4",
        "https://[2606:2800:220:1::]/a.mp4",
        "https://例子.example/视频.mp4",
    ],
)
def test_open_addresses_are_allowed(url: str) -> None:
    check_url(url, lookup=public)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A talk", "A talk"),
        ("深度学习 第1讲：引言", "深度学习 第1讲：引言"),
        ("Fun 😀 👨‍👩‍👧", "Fun 😀 👨‍👩‍👧"),
        ("../../etc/passwd", "etc_passwd"),
        ("..", "untitled"),
        ("", "untitled"),
        ("\u200b", "untitled"),
        ("-rf", "rf"),
        (".hidden", "hidden"),
        ("what? why: how", "what_ why_ how"),
        ("C:\\Windows\\x", "C__Windows_x"),
        ("two\nlines\tand  spaces", "two lines and spaces"),
        ("ends with dots. . ", "ends with dots"),
        ("evil\u202e4pm.exe", "evil4pm.exe"),
        ("con", "con file"),
        ("NUL.mp4", "NUL file.mp4"),
        ("COM¹", "COM¹ file"),
        ("cafe\u0301", "café"),
        ("bro\udcffken", "broken"),
    ],
)
def test_titles_become_names(title: str, name: str) -> None:
    assert safe_name(title) == name


@given(st.text(st.characters(), max_size=300))
def test_every_title_gives_a_name_that_is_safe_and_stays(title: str) -> None:
    name = safe_name(title)
    assert 0 < len(name.encode()) <= 120
    assert not set(name) & set('<>:"/\\|?*')
    assert name[0] not in ".- ~"
    assert name[-1] not in ". "
    assert all(char == "\u200d" or not unicodedata.category(char).startswith("C") for char in name)
    assert safe_name(name) == name


@pytest.mark.parametrize("path", ["a.jpg", "b/../a.jpg", "./b/c.jpg", ""])
def test_paths_inside_a_folder_are_given_back_real(tmp_path: Path, path: str) -> None:
    assert inside(tmp_path, Path(path)).is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize("path", ["..", "../x", "/etc/passwd", "a/../../x", "a\x00b", "link/x"])
def test_paths_that_lead_out_of_a_folder_are_not_found(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(NotFound):
        inside(folder, Path(path))
