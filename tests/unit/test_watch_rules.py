"""When a subscription is looked at, and which of its videos are passed over."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import UsageError
from video_rag.library.watching.rules import LEAST_SECONDS, LONGEST_TITLE, Every, Rules, iso_date
from video_rag.model import Video
from video_rag.stores import Subscription

NEW_YORK = ZoneInfo("America/New_York")
"""Summer time began on 2026-03-08 at 2:00 and ended on 2026-11-01 at 2:00."""


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Moves this machine to another time zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def video(title: str = "A talk", published: str | None = None) -> Video:
    return Video(
        video_id="site:1", source="test", url="https://a/1", title=title, published=published
    )


def runs(every: str, after: dt.datetime, number: int) -> list[str]:
    """The next times, on the clock of New York."""
    moment, found = after.timestamp(), []
    for _ in range(number):
        moment = Every(every).after(moment)
        found.append(f"{dt.datetime.fromtimestamp(moment, NEW_YORK):%m-%d %H:%M %z}")
    return found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("30m", 1800), ("6h", 21_600), ("1D", 86_400), ("2 w", 1_209_600)],
)
def test_an_interval_counts_from_the_last_look(text: str, seconds: float) -> None:
    assert Every(text).after(1000.5) == 1000.5 + seconds


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "6", "4m", "0h", "-1h", "1y", "1 2 3 4", "0 0 3 * * *", "@daily",
        "61 * * * *", "0 25 * * *", "0 0 31 2 *", "* * * * *", "*/4 * * * *", "0,1 3 * * *",
        "0 0 */29 2 1#4",
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Every(text)
    assert caught.value.hint


def test_cron_means_the_clock_on_the_wall(zone: Callable[[str], None]) -> None:
    zone("Asia/Shanghai")
    found = Every("0 3 * * *").after(dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC).timestamp())
    assert dt.datetime.fromtimestamp(found, dt.UTC).hour == 19


def test_a_time_that_summer_time_leaves_out_comes_at_the_end_of_the_gap(
    zone: Callable[[str], None],
) -> None:
    zone("America/New_York")
    start = dt.datetime(2026, 3, 7, 12, 0, tzinfo=NEW_YORK)
    assert runs("30 2 * * *", start, 2) == ["03-08 03:00 -0400", "03-09 02:30 -0400"]


def test_a_time_that_comes_twice_is_used_once(zone: Callable[[str], None]) -> None:
    zone("America/New_York")
    start = dt.datetime(2026, 10, 31, 12, 0, tzinfo=NEW_YORK)
    assert runs("30 1 * * *", start, 2) == ["11-01 01:30 -0400", "11-02 01:30 -0500"]
    second = dt.datetime(2026, 11, 1, 1, 40, fold=1, tzinfo=NEW_YORK)
    assert runs("30 1 * * *", second, 1) == ["11-02 01:30 -0500"]


@pytest.mark.parametrize("text", ["15,45 2,3 * * *", "30 1-3 * * *", "*/10 * * * *"])
@pytest.mark.parametrize("begin", ["2026-10-24T20:00+00:00", "2026-03-28T20:00+00:00"])
def test_the_next_time_is_always_later(zone: Callable[[str], None], text: str, begin: str) -> None:
    zone("Europe/Berlin")
    night = dt.datetime.fromisoformat(begin).timestamp()
    for moment in range(int(night), int(night) + 10 * 3600, 300):
        assert Every(text).after(moment) > moment


def test_what_runs_every_few_minutes_goes_on_through_the_doubled_hour(
    zone: Callable[[str], None],
) -> None:
    zone("America/New_York")
    start = dt.datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK)
    found = runs("*/20 * * * *", start, 3)
    assert found == ["11-01 01:40 -0400", "11-01 01:00 -0500", "11-01 01:20 -0500"]


@given(
    moment=st.floats(1_700_000_000, 2_000_000_000),
    every=st.sampled_from(
        ["0 3 * * *", "*/5 * * * *", "0 */6 * * 1-5", "15 4 1 * *", "0 0 29 2 *"]
    ),
)
def test_the_next_look_is_always_later_and_never_sooner_than_allowed(
    moment: float, every: str
) -> None:
    soon = Every(every).after(moment)
    assert soon > moment
    assert Every(every).after(soon) - soon >= LEAST_SECONDS


@given(text=st.text(alphabet="0123456789*/,-LW#mhdw @", max_size=20))
def test_whatever_is_typed_is_a_schedule_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert Every(text).after(1_790_000_000.0) > 1_790_000_000.0


def test_a_video_is_passed_over_by_the_first_rule_that_fits() -> None:
    rules = Rules(Subscription("u", "1d", since="2026-01-01", match="talk", skip="shorts?"))
    assert rules.against(video("Talk of Shorts", "2025-12-31")) == "since"
    assert rules.against(video("A song of shorts", "2026-01-01")) == "match"
    assert rules.against(video("TALK in short", "2026-01-01")) == "skip"
    assert rules.against(video("A talk", "2026-01-01")) == ""


def test_a_video_of_unknown_date_is_no_business_of_the_list() -> None:
    rules = Rules(Subscription("u", "1d", since="2026-01-01"))
    assert rules.against(video()) == ""
    assert not rules.is_dated(video())
    assert rules.is_dated(video(published="2020-01-01"))
    assert Rules(Subscription("u", "1d")).is_dated(video())


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<n", "a{99999999999}", "(" * 5000])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    for rule in ("match", "skip"):
        with pytest.raises(UsageError, match=f"--{rule}"):
            Rules(Subscription("u", "1d", **{rule: pattern}))  # type: ignore[arg-type]


def test_patterns_see_only_the_beginning_of_an_endless_title() -> None:
    rules = Rules(Subscription("u", "1d", skip="needle"))
    assert rules.against(video("x" * LONGEST_TITLE + "needle")) == ""
    assert rules.against(video("x" * 90 + "needle")) == "skip"


def test_dates_are_kept_in_one_form() -> None:
    assert iso_date(" 20260102 ") == "2026-01-02"
    assert iso_date("") == ""
    for wrong in ("2026-13-01", "yesterday", "2026"):
        with pytest.raises(UsageError, match="--since"):
            iso_date(wrong)
