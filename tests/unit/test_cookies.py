"""Cookies: understood, handed on, warned of, written back; never shown."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import BadSettings, ContentError, Rejected, Unavailable, VideoRagError
from video_rag.sources import _cookie_file as files
from video_rag.sources import cookies
from video_rag.sources.ytdlp.options import Options, SiteOptions
from web import Page, serve

yt_dlp = pytest.importorskip("yt_dlp")

NOW = 1_795_000_000.0  # 2026-11-18
DAY = 86_400
SECRET = "s3cr3t-value"


def line(
    domain: str, name: str, days: float | None, value: str = SECRET, *, http_only: bool = False
) -> str:
    """A line of cookies.txt whose cookie ends so many days after NOW, or with the session."""
    end = 0 if days is None else int(NOW + days * DAY)
    below = "TRUE" if domain.startswith(".") else "FALSE"
    mark = "#HttpOnly_" if http_only else ""
    return "\t".join((mark + domain, below, "/", "FALSE", str(end), name, value))


def put(path: Path, *lines: str, newline: str = "\n", header: str = files.HEADER) -> Path:
    path.write_bytes(newline.join([header, *lines, ""]).encode())
    path.chmod(0o600)
    return path


def youtube(days: float = 300) -> list[str]:
    return [
        line(".youtube.com", "LOGIN_INFO", days, http_only=True),
        line(".youtube.com", "__Secure-3PAPISID", days),
        line(".youtube.com", "PREF", 700),
    ]


def jar_of(path: Path) -> Any:
    """The jar that yt-dlp makes of our parameters."""
    with yt_dlp.YoutubeDL({"quiet": True} | cookies.parameters(Options(cookies=path))) as opened:
        return opened.cookiejar


def row(state: str, rows: list[cookies.Row]) -> cookies.Row:
    (found,) = [row for row in rows if row.state == state]
    return found


# what yt-dlp is given


def test_ytdlp_reads_every_cookie_also_those_for_http_only(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", *youtube(), line("www.bilibili.com", "SESSDATA", None))
    found = {(row.domain, row.name, row.value) for row in jar_of(path)}
    assert found == {
        (".youtube.com", "LOGIN_INFO", SECRET),
        (".youtube.com", "__Secure-3PAPISID", SECRET),
        (".youtube.com", "PREF", SECRET),
        ("www.bilibili.com", "SESSDATA", SECRET),
    }


@pytest.mark.parametrize(
    "text",
    [
        "\r\n".join([files.HEADER, *youtube(), ""]),
        "\ufeff" + "\n".join([files.HEADER, *youtube()]),
        "\n".join(youtube()),
        "# my own words\n\n" + "\n".join(youtube()),
        "\n".join([files.HEADER, *(row.replace("TRUE", "FALSE", 1) for row in youtube())]),
    ],
    ids=["windows", "byte-order-mark", "no-header", "other-header", "wrong-flags"],
)
def test_what_ytdlp_itself_would_refuse_or_misread_is_made_clean(text: str, tmp_path: Path) -> None:
    path = tmp_path / "c.txt"
    path.write_bytes(text.encode())
    assert {row.name for row in jar_of(path)} == {"LOGIN_INFO", "__Secure-3PAPISID", "PREF"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "has no cookies"),
        (files.HEADER.encode() + b"\n\n", "has no cookies"),
        (b'[{"domain": ".a.example", "value": "s3cr3t-value"}]', "JSON"),
        (b'{"cookies": ["s3cr3t-value"]}', "JSON"),
        (line(".a.example", "sid", 1).replace("\t", "    ").encode(), "tabs"),
        (b"Cookie: sid=s3cr3t-value; other=2", "not in Netscape's format"),
        (line(".a.example", "sid", 1).encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(
    text: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.txt"
    path.write_bytes(text)
    with pytest.raises(BadSettings, match=told) as caught:
        cookies.parameters(Options(cookies=path))
    assert caught.value.hint
    shown = f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}"
    assert SECRET not in shown


def test_a_missing_file_a_folder_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(9_000_000)
    for path in (tmp_path / "none", tmp_path, huge):
        with pytest.raises(BadSettings, match=path.name):
            cookies.parameters(Options(cookies=path))


TEXT = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=("Cs",)), max_size=20)


@given(
    name=TEXT.filter(bool),
    value=TEXT,
    end=st.one_of(st.none(), st.integers(1, 2**40)),
    secure=st.booleans(),
    domain=st.sampled_from([".a.example", "b.example"]),
)
def test_a_cookie_survives_writing_and_reading(
    name: str, value: str, end: int | None, secure: bool, domain: str
) -> None:
    cookie = files.Cookie(domain, "/p", name, value, end and float(end), secure)
    assert files._cookie(cookie.line()) == cookie


@given(st.text(max_size=80))
def test_no_line_makes_the_reader_stumble(text: str) -> None:
    files._cookie(text)


def test_each_cookie_goes_to_its_own_site_alone_and_the_file_stays(tmp_path: Path) -> None:
    path = put(
        tmp_path / "c.txt",
        line("127.0.0.1", "mine", None, "for-loopback"),
        line(".youtube.com", "LOGIN_INFO", None),
    )
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    given = {"quiet": True, "proxy": ""} | cookies.parameters(Options(cookies=path))
    with serve() as site:
        site.pages["/page"] = Page(b"hi", headers={"Set-Cookie": "mine=changed"})
        with yt_dlp.YoutubeDL(given) as opened:
            opened.urlopen(f"{site.url}/page").close()
        assert site.cookies == {"mine=for-loopback"}
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_no_value_is_in_anything_that_could_be_shown(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", *youtube())
    given = cookies.parameters(Options(cookies=path))
    assert SECRET not in repr(given)
    assert SECRET not in repr(list(given["cookiefile"].cookies.values()))


# browsers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("firefox", ("firefox", None, None, None)),
        ("Firefox:default-release", ("firefox", "default-release", None, None)),
        ("chrome+gnomekeyring:Profile 1", ("chrome", "Profile 1", "GNOMEKEYRING", None)),
        ("firefox::Work", ("firefox", None, None, "Work")),
        ("firefox:/home/me/p::none", ("firefox", "/home/me/p", None, "none")),
    ],
)
def test_a_browser_is_named_as_ytdlp_has_it(text: str, expected: tuple[str | None, ...]) -> None:
    assert cookies.browser(text) == expected
    own = yt_dlp.parse_options(["--cookies-from-browser", text]).ydl_opts
    assert own["cookiesfrombrowser"] == expected


@pytest.mark.parametrize("text", ["netscape", "firefox+nokey", "", ":p", "chrome::Work"])
def test_a_browser_that_there_is_not_is_refused(text: str) -> None:
    with pytest.raises(BadSettings, match="cookies_from_browser") as caught:
        cookies.browser(text)
    assert caught.value.hint


def test_browsers_and_keyrings_are_those_of_ytdlp() -> None:
    from yt_dlp.cookies import SUPPORTED_BROWSERS, SUPPORTED_KEYRINGS

    assert set(cookies.BROWSERS) == SUPPORTED_BROWSERS
    assert set(cookies.KEYRINGS) == set(SUPPORTED_KEYRINGS)


def test_a_site_s_own_cookies_replace_those_of_all_sites(tmp_path: Path) -> None:
    options = Options(
        cookies=tmp_path / "all",
        cookies_from_browser="firefox",
        sites={
            "bilibili.com": SiteOptions(cookies=tmp_path / "b"),
            "x.com": SiteOptions(sleep=1),
            "127.0.0.1:8000": SiteOptions(cookies_from_browser="chrome"),
        },
    )
    every = cookies.Chosen(tmp_path / "all", "firefox")
    assert cookies.chosen(options, "bilibili.com") == cookies.Chosen(tmp_path / "b")
    assert cookies.chosen(options, "api.bilibili.com") == cookies.Chosen(tmp_path / "b")
    assert cookies.chosen(options, "notbilibili.com") == every
    assert cookies.chosen(options, "x.com") == every
    assert cookies.chosen(options, "127.0.0.1:8000") == cookies.Chosen(None, "chrome")
    assert cookies.chosen(options, "") == every


# what is said before a run


@pytest.mark.parametrize(
    ("days", "state", "told"),
    [
        (300, "ok", "good until 2027-09-14"),
        (7.5, "ok", "good until"),
        (6.5, "note", "end on 2026-11-24"),
        (-1, "note", "ended on 2026-11-17"),
        (0, "note", "ended on 2026-11-18"),
    ],
)
def test_the_end_of_a_login_is_told_before_it_comes(
    days: float, state: str, told: str, tmp_path: Path
) -> None:
    options = Options(cookies=put(tmp_path / "c.txt", *youtube(days)))
    (found,) = cookies.findings(options, NOW)
    assert (found.state, bool(found.hint)) == (state, state == "note")
    assert "youtube.com" in found.text
    assert told in found.text


def test_a_login_ends_with_the_first_of_its_cookies(tmp_path: Path) -> None:
    lines = [*youtube(300), line(".youtube.com", "SAPISID", 100)]
    lines[0] = line(".youtube.com", "LOGIN_INFO", 20)
    (found,) = cookies.findings(Options(cookies=put(tmp_path / "c.txt", *lines)), NOW)
    assert "2026-12-08" in found.text


def test_cookies_of_somebody_who_is_not_signed_in_are_told(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", line(".youtube.com", "PREF", 9), line(".bilibili.com", "b", 9))
    found = cookies.findings(Options(cookies=path), NOW)
    assert [row.state for row in found] == ["note", "note"]
    assert all("no login" in row.text for row in found)


def test_a_site_s_table_is_looked_at_for_that_site(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", *youtube())
    options = Options(sites={"bilibili.com": SiteOptions(cookies=path)})
    (found,) = cookies.findings(options, NOW)
    assert (found.state, "no login of bilibili.com" in found.text) == ("note", True)


def test_of_an_unknown_site_the_last_cookie_counts(tmp_path: Path) -> None:
    lines = [line("v.example", "a", -5), line(".v.example", "b", 3), line("w.example", "c", 99)]
    path = put(tmp_path / "c.txt", *lines)
    (found,) = cookies.findings(Options(sites={"v.example": SiteOptions(cookies=path)}), NOW)
    assert (found.state, "2026-11-21" in found.text) == ("note", True)
    (found,) = cookies.findings(Options(cookies=path), NOW)
    assert (found.state, "2027-02-25" in found.text) == ("ok", True)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602])
def test_a_file_that_others_may_read_or_change_is_told(mode: int, tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", *youtube())
    path.chmod(mode)
    found = row("note", cookies.findings(Options(cookies=path), NOW))
    assert f"chmod 600 {path}" in found.hint


def test_broken_lines_and_broken_files_are_told(tmp_path: Path) -> None:
    options = Options(
        cookies=put(tmp_path / "c.txt", *youtube(), f"torn line with {SECRET}"),
        cookies_from_browser="lynx",
        sites={"a.example": SiteOptions(cookies=tmp_path / "none")},
    )
    found = cookies.findings(options, NOW)
    assert [row.state for row in found] == ["wrong", "note", "ok", "wrong"]
    assert "1 lines" in row("note", found).text
    assert SECRET not in repr(found)


def test_a_date_beyond_all_calendars_is_no_error(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", line(".bilibili.com", "SESSDATA", 1e12))
    assert row("ok", cookies.findings(Options(cookies=path), NOW))


def test_what_is_amiss_is_logged_once_for_the_site_that_is_visited(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = cookies.Chosen(put(tmp_path / "c.txt", *youtube(-3)))
    with caplog.at_level(logging.WARNING, "video_rag"):
        for _ in range(3):
            cookies.warn(given, "youtube.com", NOW)
    (record,) = caplog.records
    assert "ended on 2026-11-15" in record.getMessage()
    assert SECRET not in record.getMessage()


# what an error means


@pytest.mark.parametrize(
    "error",
    [
        Rejected("sign in", reason="sign-in"),
        Rejected("not a bot", reason="bot-check"),
        Unavailable("412", reason="risk-control", retry_after=9),
    ],
)
def test_a_wall_before_expired_cookies_says_so(error: VideoRagError, tmp_path: Path) -> None:
    error.video_id = "youtube:x"
    given = cookies.Chosen(put(tmp_path / "c.txt", *youtube(-3)))
    told = cookies.explain(error, given, "youtube.com", NOW)
    assert (type(told), told.reason, told.video_id) == (Rejected, "cookies-expired", "youtube:x")
    assert "2026-11-15" in str(told)
    assert str(given.cookies) in told.hint
    assert told.__cause__ is error
    assert told.retry_after == 86_400.0


def test_other_errors_and_good_cookies_leave_an_error_as_it_is(tmp_path: Path) -> None:
    good = cookies.Chosen(put(tmp_path / "good", *youtube(3)))
    bad = cookies.Chosen(put(tmp_path / "bad", *youtube(-3)))
    wall, private = Rejected("sign in", reason="sign-in"), ContentError("no", reason="private")
    for error, source, site in (
        (wall, good, "youtube.com"),
        (private, bad, "youtube.com"),
        (wall, bad, "bilibili.com"),
        (wall, cookies.Chosen(tmp_path / "none"), "youtube.com"),
        (wall, cookies.Chosen(None, "firefox"), "youtube.com"),
    ):
        assert cookies.explain(error, source, site, NOW) is error


# cookies that a site renews


def renewed(name: str, value: str | None, domain: str = ".a.example", expires: int = 2**31) -> Any:
    return SimpleNamespace(
        domain=domain, path="/", name=name, value=value, expires=expires, secure=True
    )


def test_what_a_site_renews_comes_back_into_the_file(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", line("127.0.0.1", "sid", 9, "old"), "# a word", *youtube())
    given = cookies.parameters(Options(cookies=path))
    with serve() as site:
        site.pages["/page"] = Page(b"hi", headers={"Set-Cookie": "sid=new; Max-Age=864000"})
        with yt_dlp.YoutubeDL({"quiet": True, "proxy": ""} | given) as opened:
            opened.urlopen(f"{site.url}/page").close()
            assert cookies.keep(given, opened.cookiejar)
    lines = path.read_text().splitlines()
    assert lines[1].endswith("\tsid\tnew")
    assert lines[2:] == ["# a word", *youtube()]
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_left_alone_when_nothing_changed(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", *youtube())
    before = path.stat()
    given = cookies.parameters(Options(cookies=path))
    assert not cookies.keep(given, jar_of(path))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_later_end_alone_is_written_once_a_day(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", line(".a.example", "sid", 10))
    given = cookies.parameters(Options(cookies=path))
    end = int(NOW) + 10 * DAY
    assert not cookies.keep(given, [renewed("sid", SECRET, expires=end + 3600)])
    assert cookies.keep(given, [renewed("sid", SECRET, expires=end + 2 * DAY)])


def test_what_the_owner_exported_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", line(".a.example", "sid", 9, "old"))
    given = cookies.parameters(Options(cookies=path))
    put(path, line(".a.example", "sid", 99, "exported"))
    before = path.read_bytes()
    assert not cookies.keep(given, [renewed("sid", "rotated")])
    assert path.read_bytes() == before


def test_none_is_taken_out_and_none_of_another_site_is_put_in(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", line(".a.example", "a", 9, "1"), line(".a.example", "b", 9, "2"))
    given = cookies.parameters(Options(cookies=path))
    jar = [
        renewed("a", "new"),
        renewed("c", "added"),
        renewed("t", "tracker", ".ads.example"),
        renewed("evil", "x\nother.example\tTRUE\t/\tFALSE\t0\tsid\tplanted"),
    ]
    assert cookies.keep(given, jar)
    found = {cookie.name: cookie.value for cookie in files.read(path)[0]}
    assert found == {"a": "new", "b": "2", "c": "added"}


def test_two_at_once_both_get_their_cookies_in(tmp_path: Path) -> None:
    count = 12
    path = put(tmp_path / "c.txt", *(line(".a.example", f"n{i}", 9, "old") for i in range(count)))
    copies = [cookies.parameters(Options(cookies=path)) for _ in range(count)]
    work = [
        threading.Thread(target=cookies.keep, args=(copies[i], [renewed(f"n{i}", "new")]))
        for i in range(count)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert {cookie.value for cookie in files.read(path)[0]} == {"new"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    path = put(tmp_path / "real.txt", line(".a.example", "sid", 9, "old"))
    link = tmp_path / "link.txt"
    link.symlink_to(path)
    assert cookies.keep(cookies.parameters(Options(cookies=link)), [renewed("sid", "new")])
    assert link.is_symlink()
    assert files.read(path)[0][0].value == "new"


def test_a_file_that_went_away_is_warned_of_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = put(tmp_path / "c.txt", line(".a.example", "sid", 9, "old"))
    given = cookies.parameters(Options(cookies=path))
    path.unlink()
    with caplog.at_level(logging.WARNING, "video_rag"):
        assert not cookies.keep(given, [renewed("sid", "new")])
    assert "write_back_cookies" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_left_to_him(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = put(tmp_path / "c.txt", line(".a.example", "sid", 9, "old"))
    given = cookies.parameters(Options(cookies=path))
    os.chown(path, 65_534, -1)
    with caplog.at_level(logging.WARNING, "video_rag"):
        assert not cookies.keep(given, [renewed("sid", "new")])
    assert "another user" in caplog.text
    assert path.stat().st_uid == 65_534
    assert files.read(path)[0][0].value == "old"


def test_a_browser_s_cookies_get_into_no_file(tmp_path: Path) -> None:
    path = put(tmp_path / "c.txt", line(".a.example", "sid", 9, "old"))
    given = cookies.parameters(Options(cookies=path, cookies_from_browser="firefox"))
    assert given["cookiesfrombrowser"] == ("firefox", None, None, None)
    assert not cookies.keep(given, [renewed("sid", "from-the-browser")])
