"""Which wall a message of yt-dlp or a status means; the messages are the real ones."""

# ruff: noqa: E501 - what yt-dlp says is quoted as it is
from __future__ import annotations

import datetime as dt
import email.utils
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import (
    BadSettings,
    ContentError,
    Rejected,
    Unavailable,
    UnsupportedUrl,
    VideoRagError,
)
from video_rag.sources import walls
from video_rag.sources.weberrors import redacted, seconds_of, translate, words_of

YOUTUBE = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
BILIBILI = "https://www.bilibili.com/video/BV1xx411c7mD"


class Answer:
    """The part of yt-dlp's response that is looked at."""

    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def error(message: str, *, extractor: str = "youtube", **more: Any) -> Exception:
    """An error shaped like yt-dlp's: the reason in `exc_info`."""
    reason = type(more.pop("name", "ExtractorError"), (Exception,), more)(message)
    wrapper = Exception(f"\x1b[0;31mERROR:\x1b[0m [{extractor}] abc: {message}")
    wrapper.exc_info = (type(reason), reason, None)  # type: ignore[attr-defined]
    return wrapper


def status(number: int, message: str = "", **headers: str) -> Exception:
    said = f"{message or 'Unable to download webpage'}: HTTP Error {number}: Some Words"
    return error(said, name="HTTPError", status=number, response=Answer(**headers))


YOUTUBE_SAYS = [
    (
        (
            "Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies for the"
            " authentication"
        ),
        Rejected,
        "bot-check",
    ),
    (
        "Sign in to confirm you're not a bot. This helps protect our community",
        Rejected,
        "bot-check",
    ),
    (
        "Please try again. YouTube is requiring a captcha challenge before playback",
        Rejected,
        "bot-check",
    ),
    (
        "All player responses are invalid. Your IP is likely being blocked by Youtube",
        Rejected,
        "bot-check",
    ),
    (
        (
            "Video unavailable. This content isn't available, try again later. The current session has"
            " been rate-limited by YouTube for up to an hour."
        ),
        Unavailable,
        "rate-limit",
    ),
    (
        "Sign in to confirm your age. This video may be inappropriate for some users.",
        ContentError,
        "age",
    ),
    ("Private video. Sign in if you've been granted access to this video", ContentError, "private"),
    ("Video unavailable. This video is private", ContentError, "private"),
    (
        (
            "Join this channel to get access to members-only content like this video, and other exclusive"
            " perks."
        ),
        ContentError,
        "members-only",
    ),
    (
        "This video is available to this channel's members on level: Fan (or any higher level).",
        ContentError,
        "members-only",
    ),
    ("This video is only available to Music Premium members", ContentError, "premium"),
    ("This video requires payment to watch.", ContentError, "premium"),
    ("The uploader has not made this video available in your country", ContentError, "region"),
    ("This video is DRM protected", ContentError, "drm"),
    ("Video unavailable. This video has been removed by the uploader", ContentError, "deleted"),
    (
        (
            "Video unavailable. This video is no longer available because the YouTube account associated"
            " with this video has been terminated."
        ),
        ContentError,
        "deleted",
    ),
    ("Video unavailable", ContentError, "deleted"),
    ("YouTube said: The playlist does not exist.", ContentError, "deleted"),
    ("Premieres in 5 minutes", ContentError, "upcoming"),
    ("This live event will begin in a few moments.", ContentError, "upcoming"),
    ("Unable to download API page: The read operation timed out", Unavailable, "network"),
    ("Got error: 100 bytes read, 200 more expected", Unavailable, "network"),
    (
        "Unable to download webpage: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
        Unavailable,
        "network",
    ),
    ("Unable to download webpage: Failed to resolve 'www.youtube.com'", Unavailable, "network"),
    ("Requested format is not available", ContentError, "empty"),
]
BILIBILI_SAYS = [
    ("Request is blocked by server (412), please wait and try later.", Unavailable, "risk-control"),
    ("Request is blocked by server (401), please wait and try later.", Unavailable, "risk-control"),
    ("Request is rejected by server (352)", Unavailable, "risk-control"),
    (
        "Unable to download video info: 352: 风控校验失败, please wait and try later",
        Unavailable,
        "risk-control",
    ),
    (
        "Unable to download video info: 401: 非法访问, please wait and try later",
        Unavailable,
        "risk-control",
    ),
    ("You have exceeded the rate limit. Try again later", Unavailable, "risk-control"),
    ("Request failed (-799): 请求过于频繁，请稍后再试", Unavailable, "rate-limit"),
    ("This video is only available for registered users. Use --cookies", Rejected, "sign-in"),
    ("Unable to download video info: 403: 访问权限不足", Rejected, "sign-in"),
    (
        "This is a private favorites list. You need to log in as its owner. Use --cookies",
        Rejected,
        "sign-in",
    ),
    ("You need to login to access your watchlater list. Use --cookies", Rejected, "sign-in"),
    ("This video is for premium members only. Use --cookies", ContentError, "premium"),
    ("Unable to download video info: 10403: 大会员专享限制", ContentError, "premium"),
    ("This is a supporter-only video: 解锁专属视频. Use --cookies", ContentError, "members-only"),
    (
        "This video is not available from your location due to geo restriction",
        ContentError,
        "region",
    ),
    (
        (
            "This video may be deleted or geo-restricted. You might want to try a VPN or a proxy server"
            " (with --proxy)"
        ),
        ContentError,
        "deleted",
    ),
    ("Unable to download video info: 62002: 稿件不可见", ContentError, "deleted"),
    ("Unable to download video info: 62012: 仅UP主自己可见", ContentError, "private"),
    ("Streamer is not live", ContentError, "upcoming"),
]
GENERIC_SAYS = [
    (
        (
            "Got HTTP Error 403 caused by Cloudflare anti-bot challenge; try again with  --extractor-args"
            ' "generic:impersonate"'
        ),
        Rejected,
        "bot-check",
    ),
    (
        (
            'Impersonate target "chrome" is not available. This request requires browser impersonation,'
            " however you may be missing dependencies"
        ),
        Rejected,
        "forbidden",
    ),
    ("Unable to connect to proxy", Unavailable, "network"),
    ("The channel is not currently live", ContentError, "upcoming"),
    (
        "Access to this webpage has been blocked by decision of the Russian government.",
        ContentError,
        "region",
    ),
]


def walls_said() -> list[Any]:
    return [
        pytest.param(extractor, *row, id=f"{extractor}: {row[0][:60]}")
        for extractor, rows in (
            ("youtube", YOUTUBE_SAYS),
            ("BiliBili", BILIBILI_SAYS),
            ("generic", GENERIC_SAYS),
        )
        for row in rows
    ]


@pytest.mark.parametrize(("extractor", "message", "kind", "reason"), walls_said())
def test_each_message_names_its_wall_and_says_what_to_do(
    extractor: str, message: str, kind: type[VideoRagError], reason: str
) -> None:
    found = translate(error(message, extractor=extractor), "the video")
    assert (type(found), found.reason) == (kind, reason)
    assert found.hint
    assert "{" not in found.hint
    assert str(found).startswith("the video: ")
    assert "--cookies" not in str(found)
    assert "\x1b" not in str(found)


@pytest.mark.parametrize(
    ("url", "number", "kind", "reason", "advice"),
    [
        ("https://a.example/x", 401, Rejected, "sign-in", 'sites."a.example"] cookies'),
        ("https://a.example/x", 402, ContentError, "premium", "cookies"),
        ("https://a.example/x", 403, Rejected, "forbidden", "cookies"),
        ("https://bilibili.com/video/BV1", 403, Rejected, "forbidden", "www.bilibili.com"),
        (YOUTUBE, 403, Rejected, "forbidden", "video-rag update"),
        ("https://a.example/x", 404, ContentError, "deleted", "check the URL"),
        ("https://a.example/x", 410, ContentError, "deleted", "check the URL"),
        (BILIBILI, 412, Unavailable, "risk-control", 'sites."bilibili.com"] cookies'),
        ("https://a.example/x", 429, Unavailable, "rate-limit", "sleep"),
        ("https://a.example/x", 451, ContentError, "region", "proxy"),
        ("https://a.example/x", 400, Rejected, "changed", "video-rag update"),
        ("https://a.example/x", 408, Unavailable, "network", "try again"),
        ("https://a.example/x", 407, Unavailable, "network", "proxy"),
        ("https://a.example/x", 500, Unavailable, "busy", "try again"),
        ("https://a.example/x", 503, Unavailable, "busy", "try again"),
    ],
)
def test_each_status_names_its_wall_and_says_what_to_do(
    url: str, number: int, kind: type, reason: str, advice: str
) -> None:
    found = translate(status(number), url)
    assert (type(found), found.reason) == (kind, reason)
    assert advice in found.hint
    assert str(number) in str(found)


def test_youtube_s_limit_of_subtitles_has_a_remedy_of_its_own() -> None:
    said = "Unable to download video subtitles for 'en'"
    found = translate(status(429, said), "en", site="youtube.com")
    assert found.reason == "rate-limit"
    assert 'sleep_subtitles in [sources.ytdlp.sites."youtube.com"]' in found.hint


def test_what_a_site_asks_for_is_passed_on() -> None:
    found = translate(status(429, Retry_After="120"), YOUTUBE)
    assert found.retry_after == 120
    assert translate(status(503, Retry_After="7"), YOUTUBE).retry_after == 7
    assert translate(status(429), YOUTUBE).retry_after is None


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Premieres in 5 minutes", 300),
        ("This live event will begin in 3 hours.", 10_800),
        ("Premieres in 2 days", 172_800),
        ("Premieres in an hour", 3600),
        ("This live event will begin in a few moments.", 3600),
        ("Premiere will begin shortly", 3600),
        ("Offline. Will begin", None),
        ("This content isn't available, try again later", 3600),
    ],
)
def test_what_will_come_says_when(message: str, seconds: float | None) -> None:
    assert translate(error(message), "the video").retry_after == seconds


def test_where_a_video_may_be_seen_is_said() -> None:
    known = error(
        "not available from your location", name="GeoRestrictedError", countries=["DE", "FR"]
    )
    assert "(seen in: DE, FR)" in str(translate(known, "the video"))


@pytest.mark.parametrize(
    ("warning", "reason", "kind"),
    [
        (
            (
                "[youtube] abc: No supported JavaScript runtime could be found. Only deno is enabled by"
                " default; to use another runtime add  --js-runtimes RUNTIME[:PATH]  to your command"
            ),
            "javascript",
            Rejected,
        ),
        (
            (
                "[youtube] abc: n challenge solving failed: Some formats may be missing. Ensure you have"
                " a supported JavaScript runtime and challenge solver script distribution installed."
            ),
            "javascript",
            Rejected,
        ),
        (
            (
                "[youtube] [jsc:deno] Remote component challenge solver script (deno) was skipped. It may"
                " be required to solve JS challenges."
            ),
            "javascript",
            Rejected,
        ),
        (
            (
                "[youtube] abc: tv client https formats require a GVS PO Token which was not provided."
                " They will be skipped as they may yield HTTP Error 403."
            ),
            "po-token",
            Rejected,
        ),
        (
            "[youtube] abc: Some tv client https formats have been skipped as they are DRM protected.",
            "drm",
            ContentError,
        ),
    ],
)
def test_a_warning_explains_why_nothing_can_be_played(
    warning: str, reason: str, kind: type[VideoRagError]
) -> None:
    wall = walls.of_words(*words_of(warning))
    assert wall is not None
    assert wall.reason == reason
    nothing = error("Requested format is not available. Use --list-formats for a list")
    found = translate(nothing, "the video", [wall])
    assert (type(found), found.reason) == (kind, reason)
    assert walls.note(wall).endswith(wall.hint)
    gone = translate(error("Video unavailable"), "the video", [wall])
    assert gone.reason == "deleted"


@pytest.mark.parametrize(
    ("warning", "reason"),
    [
        ("[BiliBili] Subtitles are only available when logged in. Use --cookies", "sign-in"),
        (
            "[BiliBili] BV1: This is a supporter-only video, only the preview will be extracted: x",
            "members-only",
        ),
        (
            (
                "[BiliBiliBangumi] Only preview format is available, you have to become a premium member"
                " to access full video."
            ),
            "premium",
        ),
        (
            (
                "[youtube] The provided YouTube account cookies are no longer valid. They have likely been"
                " rotated in the browser as a security measure."
            ),
            "cookies-expired",
        ),
    ],
)
def test_warnings_that_let_something_through_become_notes(warning: str, reason: str) -> None:
    wall = walls.of_words(*words_of(warning))
    assert wall is not None
    assert wall.reason == reason
    assert f"({reason})" in walls.note(wall)


def test_other_warnings_are_no_walls() -> None:
    assert (
        walls.of_words(*words_of("[generic] Falling back on generic information extractor")) is None
    )


def test_a_site_that_changed_asks_for_an_update() -> None:
    found = translate(error("Unable to extract initial state", expected=False), "the video")
    assert (type(found), found.reason) == (Rejected, "changed")
    assert "video-rag update" in found.hint


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("UnsupportedError", UnsupportedUrl, ""),
        ("CookieLoadError", BadSettings, ""),
        ("TransportError", Unavailable, "network"),
        ("SSLError", Unavailable, "network"),
        ("ProxyError", Unavailable, "network"),
        ("GeoRestrictedError", ContentError, "region"),
        ("UserNotLive", ContentError, "upcoming"),
    ],
)
def test_classes_are_sorted_by_what_to_do_next(name: str, kind: type, reason: str) -> None:
    found = translate(error("oh", name=name), "the video")
    assert (type(found), found.reason) == (kind, reason)
    assert found.hint


@pytest.mark.parametrize(
    "message",
    [
        "No connection adapters were found for 'file:///etc/passwd'",
        "file:// URLs are disabled by default in yt-dlp for security reasons. Use --enable-x",
        '(1) Protocol "file" disabled',
    ],
)
def test_what_leads_off_the_web_is_refused_for_good(message: str) -> None:
    error = translate(OSError(message), "https://a.example/x")
    assert isinstance(error, UnsupportedUrl)
    assert str(error) == "https://a.example/x leads to what is neither http nor https"
    assert error.hint


def test_advice_for_users_of_yt_dlp_is_left_out() -> None:
    assert redacted("It is so. Use --enable-thing to have it") == "It is so"


def test_a_circle_of_redirects_is_not_put_down_to_an_old_ytdlp() -> None:
    said = "Unable to download webpage: HTTP Error 302: Found (redirect loop detected)"
    error = translate(OSError(said), "https://a.example/x")
    assert "circle" in error.hint


def test_words_in_addresses_mean_nothing() -> None:
    found = translate(error("Unable to download https://a.example/private-video/drm-premium"), "x")
    assert found.reason == ""


def test_nothing_secret_stays_in_a_message() -> None:
    text = (
        "Unable to download https://me:pw@a.example/x.mp4?token=s3cret&v=abc#s3cret "
        "(caused by <HTTPError s3cret>); please report this issue on s3cret"
    )
    assert redacted(text) == "Unable to download https://a.example/x.mp4?v=abc"


@given(st.integers(0, 10**8))
def test_retry_after_in_seconds_is_read(seconds: int) -> None:
    assert seconds_of(str(seconds)) == float(seconds)


@given(st.integers(10**9, 4 * 10**9), st.floats(0, 1e6))
def test_retry_after_as_a_date_is_the_time_until_then(second: int, ahead: float) -> None:
    when = dt.datetime.fromtimestamp(second, dt.UTC)
    header = email.utils.format_datetime(when, usegmt=True)
    assert seconds_of(header, lambda: when.timestamp() - ahead) == pytest.approx(ahead, abs=1e-3)
    assert seconds_of(header, lambda: when.timestamp() + ahead + 1) == 0


@given(st.text())
def test_no_retry_after_is_a_surprise(header: str) -> None:
    found = seconds_of(header)
    assert found is None or found >= 0


@given(st.text(), st.sampled_from(["the video", YOUTUBE, ""]))
def test_every_message_becomes_an_error_of_ours_on_one_line(message: str, what: str) -> None:
    found = translate(error(message), what)
    assert found.hint
    assert "\n" not in str(found)


@pytest.mark.parametrize("wall", [*walls.WALLS, *walls.STATUSES.values()], ids=lambda w: w.reason)
def test_every_wall_has_a_reason_that_programs_know(wall: walls.Wall) -> None:
    of_kind = {
        ContentError: "deleted private members-only premium age region drm upcoming",
        Unavailable: "risk-control rate-limit busy network",
        Rejected: "bot-check sign-in cookies-expired forbidden javascript po-token",
    }
    assert wall.reason in of_kind[wall.kind].split()  # type: ignore[index]
    assert wall.hint


def test_only_too_many_requests_for_subtitles_are_about_how_many_subtitles() -> None:
    said = "Unable to download video subtitles for 'en'"
    assert walls.of_status(429, "youtube.com", said) is walls.SUBTITLES_429
    assert walls.of_status(403, "youtube.com", said) is walls.SPECIAL["youtube.com", 403]
    assert walls.of_status(429, "a.example", said) is walls.STATUSES[429]
