"""How sites are visited: with a clock of the test's own and a real ledger."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from places import places
from video_rag.errors import ContentError, Rejected, Unavailable, VideoRagError
from video_rag.net.sites import SiteState
from video_rag.sources.manners import LONGEST, Manners, cooling, visits_today
from video_rag.sources.walls import COOLING
from video_rag.sources.ytdlp.options import Options

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC).timestamp()
URL = "https://video.example/talk"
SITE = "video.example"


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self, start: float = NOON) -> None:
        self.time = start
        self.slept: list[float] = []
        self.speed = 1.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += self.speed * seconds


class Visitors:
    """Manners in a folder of its own; each `manners()` is like another process's."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.folder = folder
        self.places = places(folder)

    def manners(self, **options: object) -> Manners:
        chosen = Options.model_validate(options)
        return Manners(chosen, places(self.folder), now=self.clock.now, sleep=self.clock.sleep)

    @property
    def state(self) -> SiteState:
        return self.places.sites.site(SITE)


@pytest.fixture
def visitors(tmp_path: Path) -> Visitors:
    return Visitors(tmp_path)


def visit(manners: Manners, error: VideoRagError | None = None, *, counts: bool = True) -> None:
    with manners.visit(URL, counts=counts):
        if error is not None:
            raise error


def wall(reason: str = "rate-limit", retry_after: float | None = None) -> Unavailable:
    return Unavailable("the site answered 429", reason=reason, retry_after=retry_after)


@pytest.mark.parametrize("reason", sorted(COOLING))
def test_a_wall_cools_the_site_down_and_the_refusal_says_why(
    visitors: Visitors, reason: str
) -> None:
    manners = visitors.manners(cooldown=900)
    with pytest.raises(Unavailable, match="429"):
        visit(manners, wall(reason))
    visitors.clock.time += 300
    with pytest.raises(Unavailable) as caught:
        visit(visitors.manners(), counts=False)
    assert caught.value.reason == "cooling-down"
    assert caught.value.retry_after == pytest.approx(600)
    assert reason in str(caught.value)
    assert "the site answered 429" in str(caught.value)
    assert f"video-rag sites forget {SITE}" in caught.value.hint
    visitors.clock.time += 601
    visit(manners)


def test_what_met_a_wall_is_tried_again_when_the_site_is(visitors: Visitors) -> None:
    error = Rejected("not a bot", reason="bot-check")
    with pytest.raises(Rejected):
        visit(visitors.manners(cooldown=900), error)
    assert error.retry_after == pytest.approx(900)


def test_other_sites_go_on_meanwhile(visitors: Visitors) -> None:
    manners = visitors.manners()
    with pytest.raises(Unavailable):
        visit(manners, wall())
    with manners.visit("https://other.example/talk", counts=True):
        pass


@pytest.mark.parametrize(
    "error",
    [
        ContentError("gone", reason="deleted"),
        Rejected("no", reason="forbidden"),
        Unavailable("a moment", reason="busy", retry_after=5),
    ],
)
def test_what_is_no_wall_cools_nothing_down(visitors: Visitors, error: VideoRagError) -> None:
    manners = visitors.manners()
    with pytest.raises(type(error)):
        visit(manners, error)
    assert (visitors.state.cooling_until, visitors.state.strikes) == (0, 0)
    visit(manners)


def test_a_bug_leaves_the_site_as_it_is(visitors: Visitors) -> None:
    manners = visitors.manners()
    with pytest.raises(ZeroDivisionError), manners.visit(URL, counts=True):
        raise ZeroDivisionError
    assert visitors.state.cooling_until == 0


def test_each_further_wall_makes_the_pause_four_times_as_long(visitors: Visitors) -> None:
    manners = visitors.manners(cooldown=60)
    pauses = []
    for _ in range(8):
        with pytest.raises(Unavailable):
            visit(manners, wall())
        pauses.append(visitors.state.cooling_until - visitors.clock.time)
        visitors.clock.time = visitors.state.cooling_until
    assert pauses == pytest.approx([60, 240, 960, 3840, 15_360, 61_440, LONGEST, LONGEST])


def test_a_video_that_came_forgives_and_a_list_does_not(visitors: Visitors) -> None:
    manners = visitors.manners(cooldown=60)
    with pytest.raises(Unavailable):
        visit(manners, wall())
    visitors.clock.time += 61
    visit(manners, counts=False)
    assert visitors.state.strikes == 1
    visit(manners)
    assert (visitors.state.strikes, visitors.state.reason) == (0, "")


def test_a_wall_of_long_ago_does_not_lengthen_the_pause(visitors: Visitors) -> None:
    manners = visitors.manners(cooldown=60)
    for _ in range(2):
        with pytest.raises(Unavailable):
            visit(manners, wall(), counts=False)
        visitors.clock.time = visitors.state.cooling_until + LONGEST + 1
    assert visitors.state.strikes == 1


def test_what_the_site_asks_for_is_heeded_up_to_a_day(visitors: Visitors) -> None:
    manners = visitors.manners(cooldown=60)
    with pytest.raises(Unavailable):
        visit(manners, wall(retry_after=7200))
    assert visitors.state.cooling_until == pytest.approx(NOON + 7200)
    visitors.clock.time += 7201
    with pytest.raises(Unavailable):
        visit(manners, wall(retry_after=1e9))
    assert visitors.state.cooling_until == pytest.approx(visitors.clock.time + LONGEST)


def test_visitors_who_run_into_one_wall_together_count_it_once(visitors: Visitors) -> None:
    first, second = visitors.manners(), visitors.manners()
    with (
        pytest.raises(Unavailable),
        first.visit(URL, counts=False),
        second.visit(URL, counts=False),
    ):
        raise wall()
    assert visitors.state.strikes == 1
    assert visitors.state.cooling_until == pytest.approx(NOON + 900)


def test_a_wall_that_did_not_stop_the_visit_counts_as_well(visitors: Visitors) -> None:
    manners = visitors.manners()
    with manners.visit(URL, counts=True) as current:
        current.hit(ContentError("no such subtitles", reason="no-subtitles"))
        current.hit(wall())
    assert (visitors.state.strikes, visitors.state.reason) == (1, "rate-limit")


def test_no_secret_of_the_site_s_message_is_kept(visitors: Visitors) -> None:
    error = Unavailable("no: https://me:s3cret@a.example/?token=s3cret", reason="rate-limit")
    with pytest.raises(Unavailable):
        visit(visitors.manners(), error)
    assert "s3cret" not in visitors.state.message


def test_videos_are_spread_and_lists_are_not(visitors: Visitors) -> None:
    manners = visitors.manners(sleep=10)
    visit(manners)
    assert visitors.clock.slept == []
    visitors.clock.time += 4
    visit(visitors.manners(sleep=10))
    assert visitors.clock.slept == pytest.approx([6])
    visit(manners, counts=False)
    assert len(visitors.clock.slept) == 1


def test_the_pause_starts_when_a_video_is_done(visitors: Visitors) -> None:
    manners = visitors.manners(sleep=10)
    with manners.visit(URL, counts=True):
        visitors.clock.time += 600
    visit(manners)
    assert visitors.clock.slept == pytest.approx([10])


def test_a_clock_that_was_set_back_delays_nobody_for_long(visitors: Visitors) -> None:
    manners = visitors.manners(sleep=10)
    visit(manners)
    visitors.clock.time -= 1e6
    visit(manners)
    assert visitors.clock.slept == pytest.approx([20])


def test_a_wall_hit_by_others_while_waiting_ends_the_wait(visitors: Visitors) -> None:
    manners = visitors.manners(sleep=10, concurrency=2)
    visit(manners)
    slept = visitors.clock.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        with pytest.raises(Unavailable):
            visit(visitors.manners(), wall(), counts=False)

    patient = Manners(
        Options.model_validate({"sleep": 10}), visitors.places, now=visitors.clock.now, sleep=sleep
    )
    with pytest.raises(Unavailable, match="left alone"):
        visit(patient)


def test_the_budget_of_a_day_ends_with_the_utc_day(visitors: Visitors) -> None:
    manners = visitors.manners(per_day=2)
    visit(manners)
    visit(manners)
    with pytest.raises(Unavailable) as caught:
        visit(manners)
    assert (caught.value.reason, caught.value.retry_after) == ("day-budget", 12 * 3600)
    assert "per_day" in caught.value.hint
    assert visits_today(visitors.state, NOON) == 2
    visitors.clock.time += 12 * 3600
    assert visits_today(visitors.state, visitors.clock.time) == 0
    visit(manners)
    assert visits_today(visitors.state, visitors.clock.time) == 1


def test_lists_use_up_no_budget(visitors: Visitors) -> None:
    manners = visitors.manners(per_day=1)
    for _ in range(3):
        visit(manners, counts=False)
    visit(manners)


def test_a_site_s_own_table_wins_over_what_holds_for_all(visitors: Visitors) -> None:
    manners = visitors.manners(sleep=10, per_day=1, sites={SITE: {"sleep": 0, "per_day": 5}})
    for _ in range(5):
        visit(manners)
    assert visitors.clock.slept == []


@contextmanager
def somebody_inside(visitors: Visitors, **options: object) -> Iterator[threading.Event]:
    """Another thread that visits until the event is set, or the block ends."""
    entered, release = threading.Event(), threading.Event()

    def stay() -> None:
        with visitors.manners(**options).visit(URL, counts=True):
            entered.set()
            release.wait(30)

    thread = threading.Thread(target=stay)
    thread.start()
    try:
        assert entered.wait(30)
        yield release
    finally:
        release.set()
        thread.join()


def test_only_so_many_visit_at_once_and_the_next_waits(visitors: Visitors) -> None:
    slept = visitors.clock.sleep
    with (
        somebody_inside(visitors, concurrency=2) as first,
        somebody_inside(visitors, concurrency=2),
    ):

        def sleep(seconds: float) -> None:
            slept(seconds)
            first.set()

        third = Manners(
            Options.model_validate({"concurrency": 2}),
            visitors.places,
            now=visitors.clock.now,
            sleep=sleep,
        )
        visit(third)
    assert visitors.clock.slept
    assert set(visitors.clock.slept) == {1.0}


def test_who_waits_for_a_slot_leaves_when_the_site_cools_down(visitors: Visitors) -> None:
    slept = visitors.clock.sleep

    def sleep(seconds: float) -> None:
        slept(seconds)
        with pytest.raises(Unavailable, match=r"429|left alone"):
            visit(visitors.manners(), wall(), counts=False)

    waiting = Manners(
        Options.model_validate({}), visitors.places, now=visitors.clock.now, sleep=sleep
    )
    with somebody_inside(visitors), pytest.raises(Unavailable, match="left alone"):
        visit(waiting)
    assert visitors.clock.slept == [1.0]


def test_a_video_that_comes_while_the_site_cools_down_forgives_nothing(visitors: Visitors) -> None:
    with visitors.manners(concurrency=2).visit(URL, counts=True), pytest.raises(Unavailable):
        visit(visitors.manners(), wall(), counts=False)
    assert (visitors.state.strikes, visitors.state.reason) == (1, "rate-limit")


def test_who_waits_in_vain_for_an_hour_is_told_so(visitors: Visitors) -> None:
    visitors.clock.speed = 60.0
    with somebody_inside(visitors), pytest.raises(Unavailable) as caught:
        visit(visitors.manners())
    assert caught.value.reason == "busy"
    assert visitors.clock.time == pytest.approx(NOON + 3600)


@pytest.mark.parametrize(
    ("options", "site", "wanted"),
    [
        ({}, "a.example", (0.0, 0.0, 1.0, 1)),
        ({}, "youtube.com", (10.0, 0.75, 5.0, 1)),
        ({"sleep": 60, "concurrency": 4}, "youtube.com", (60.0, 0.75, 5.0, 1)),
        (
            {"sites": {"youtube.com": {"sleep": 0, "concurrency": 3}}},
            "youtube.com",
            (0, 0.75, 5, 3),
        ),
        ({"concurrency": 4}, "a.example", (0.0, 0.0, 1.0, 4)),
        ({}, "bilibili.com", (5.0, 1.0, 1.0, 1)),
    ],
)
def test_known_sites_are_treated_more_gently_unless_they_have_a_table(
    options: dict[str, object], site: str, wanted: tuple[float, ...]
) -> None:
    found = Options.model_validate(options).of_site(site)
    assert (
        found.sleep,
        found.sleep_requests,
        found.sleep_subtitles,
        found.concurrency,
    ) == wanted


def test_a_site_s_cookies_replace_file_and_browser_together() -> None:
    options = Options.model_validate(
        {"cookies_from_browser": "firefox", "sites": {"a.example": {"cookies": "a.txt"}}}
    )
    assert options.of_site("a.example").cookies_from_browser is None
    assert options.of_site("b.example").cookies_from_browser == "firefox"


@given(
    steps=st.lists(
        st.one_of(
            st.just("video"),
            st.just("list"),
            st.sampled_from(sorted(COOLING)),
            st.floats(0, 2 * LONGEST),
        ),
        max_size=25,
    )
)
@settings(max_examples=40, deadline=None)
def test_whatever_happens_no_site_is_left_alone_for_more_than_a_day(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str | float]
) -> None:
    visitors = Visitors(tmp_path_factory.mktemp("site"))
    manners = visitors.manners(sleep=3)
    for step in steps:
        if isinstance(step, float):
            visitors.clock.time += step
            continue
        is_cooling = bool(cooling(visitors.state, visitors.clock.time))
        error = wall(step) if step in COOLING else None
        reason = "cooling-down" if is_cooling else error and error.reason
        if reason is None:
            visit(manners, counts=step != "list")
        else:
            with pytest.raises(Unavailable) as caught:
                visit(manners, error, counts=step != "list")
            assert caught.value.reason == reason
        assert visitors.state.cooling_until <= visitors.clock.time + LONGEST
    assert all(seconds <= 6 for seconds in visitors.clock.slept)
