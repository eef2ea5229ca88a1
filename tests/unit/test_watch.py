"""What a check makes of a list that changes: a source written by the test, the real ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_rag.errors import (
    ContentError,
    NotFound,
    Rejected,
    Unavailable,
    UnsupportedUrl,
    UsageError,
    VideoRagError,
)
from video_rag.library.intake import Given
from video_rag.library.status import Wishes
from video_rag.library.watching.watch import Changes, Checked, Watch
from video_rag.model import Video
from video_rag.net.sites import SiteState
from video_rag.stores.hold import hold
from video_rag.stores.sql import Sql

URL = "https://tube.test/@channel"
DAY = 86_400.0


def video(number: int, title: str = "", **facts: Any) -> Video:
    return Video(
        video_id=f"tube:{number}",
        source="tube",
        url=f"https://tube.test/v/{number}",
        title=title or f"Talk {number}",
        **{"duration": 100.0 + 10 * number, "channel": "The channel", **facts},
    )


def refusal(number: int, reason: str, after: float | None = None) -> ContentError:
    error = ContentError(f"tube:{number} is {reason}", reason=reason, retry_after=after)
    error.video_id = f"tube:{number}"
    return error


@dataclass
class Tube:
    """A source whose lists a test writes; it counts what is asked of it."""

    lists: dict[str, list[Video | VideoRagError]] = field(default_factory=dict)
    opened_as: dict[str, Sequence[Video | VideoRagError]] = field(default_factory=dict)
    """What opening a video gives, where it is not the video itself."""
    walls: dict[str, VideoRagError] = field(default_factory=dict)
    """What a list ends with, or opening a video raises."""
    listings: Counter[str] = field(default_factory=Counter)
    opened: list[str] = field(default_factory=list)

    def claims(self, url: str) -> bool:
        return url.startswith(("https://tube.test/", "/"))

    def discover(self, url: str) -> Iterator[Video | VideoRagError]:
        self.listings[url] += 1
        yield from self.lists.get(url, [])
        if url in self.walls:
            raise self.walls[url]

    def parts(self, found: Video) -> Iterator[Video | VideoRagError]:
        self.opened.append(found.video_id)
        if found.video_id in self.walls:
            raise self.walls[found.video_id]
        yield from self.opened_as.get(found.video_id, [found])


class Shop:
    """A library of titles with a watch over the tube; its clock stands still until moved."""

    def __init__(self, folder: Path) -> None:
        self.tube = Tube()
        self.ledger = Sql(folder / "library.db")
        self.videos: dict[str, Video] = {}
        self.wishes: dict[str, Wishes] = {}
        self.gives: list[Video] = []
        self.clock = 1_790_000_000.0
        self.dies_after: int | None = None
        self.watch = Watch(
            watchlist=self.ledger.watchlist,
            sites=self.ledger.sites,
            source_of=self.source_of,  # type: ignore[arg-type]  # fetching is not its business
            give=self.give,
            has=self.videos.__contains__,
            hold=self.hold,
            now=lambda: self.clock,
        )

    def source_of(self, url: str) -> Tube:
        if not self.tube.claims(url):
            raise UnsupportedUrl(f"nothing can read {url!r}", hint="give a URL")
        return self.tube

    def give(self, found: Video, wishes: Wishes) -> Given:
        if self.dies_after is not None and len(self.gives) == self.dies_after:
            raise KeyboardInterrupt
        is_new = found.video_id not in self.videos
        self.videos[found.video_id] = found
        self.wishes[found.video_id] = wishes
        self.gives.append(found)
        return Given(found.video_id, is_new)

    def hold(self, what: str, part: str) -> AbstractContextManager[bool]:
        return hold(self.ledger, what, part, 60.0)

    def follow(self, *items: Video | VideoRagError, **changes: Any) -> Checked:
        """Subscribe to a list of these and look at it for the first time."""
        self.tube.lists[URL] = list(items)
        self.watch.add(URL, Changes(**changes))
        return self.look()

    def look(self, *items: Video | VideoRagError) -> Checked:
        """The list is this now, if anything is given; look at it."""
        if items:
            self.tube.lists[URL] = list(items)
        self.gives.clear()
        self.tube.opened.clear()
        [checked] = self.watch.check(now=True)
        return checked

    def given(self) -> list[str]:
        return [found.video_id for found in self.gives]

    def states(self) -> dict[str, str]:
        entries = self.ledger.watchlist.entries(URL).values()
        return {entry.key: f"{entry.state} {entry.reason}".strip() for entry in entries}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.ledger.close()


def kinds(checked: Checked) -> Counter[str]:
    return Counter(one.kind for one in checked.news)


# a first look, and one without news


def test_a_new_subscription_is_due_at_once_and_takes_all(shop: Shop) -> None:
    shop.tube.lists[URL] = [video(2), video(1)]
    kept, is_new = shop.watch.add(URL, Changes(collection="sea", wanted="subtitles"))
    assert is_new
    assert kept.every == "0 3 * * *"
    [checked] = shop.watch.check()
    assert shop.given() == ["tube:2", "tube:1"]
    assert shop.wishes["tube:1"] == Wishes(collection="sea", wanted="subtitles")
    assert kinds(checked) == {"new": 2}
    assert checked.subscription.title == "The channel"
    assert checked.subscription.checked == shop.clock
    assert shop.clock < checked.subscription.due <= shop.clock + DAY
    assert list(shop.watch.check()) == []


def test_a_list_without_news_costs_one_listing_and_nothing_else(shop: Shop) -> None:
    items = [video(number) for number in range(9)]
    shop.follow(*items, refusal(20, "private"), refusal(21, "members-only"), match=r"\d")
    before = shop.ledger.watchlist.entries(URL)
    shop.tube.listings.clear()
    checked = shop.look()
    assert (shop.tube.listings[URL], shop.tube.opened, shop.given()) == (1, [], [])
    assert checked.news == ()
    assert checked.listed == 11
    assert shop.ledger.watchlist.entries(URL) == before


def test_only_what_is_new_is_opened_and_taken(shop: Shop) -> None:
    shop.follow(video(1))
    checked = shop.look(video(2), video(1))
    assert (shop.tube.opened, shop.given()) == (["tube:2"], ["tube:2"])
    assert [one.title for one in checked.news] == ["Talk 2"]


def test_a_video_that_is_in_the_library_is_taken_without_opening_it(shop: Shop) -> None:
    shop.videos["tube:1"] = video(1)
    assert kinds(shop.follow(video(1), collection="sea")) == {"known": 1}
    assert shop.tube.opened == []
    assert shop.wishes["tube:1"].collection == "sea"


def test_the_parts_of_a_series_are_taken_each(shop: Shop) -> None:
    parts = [video(1, "One"), refusal(5, "private"), video(2, "Two")]
    shop.tube.opened_as["tube:9"] = parts
    checked = shop.follow(video(9, "Series"))
    assert shop.given() == ["tube:1", "tube:2"]
    assert checked.news[0].video_ids == ("tube:1", "tube:2")
    assert [str(problem) for problem in checked.problems] == ["tube:5 is private"]
    assert shop.look().news == ()


# rules


def test_rules_pass_over_and_the_limit_keeps_waiting(shop: Shop) -> None:
    items = [
        video(5, "Old", published="2020-01-01"),
        video(4, "Song", published="2026-05-01"),
        video(3, "Talk shorts", published="2026-05-01"),
        video(2, "Talk two", published="2026-04-01"),
        video(1, "Talk one", published="2026-03-01"),
    ]
    rules = {"since": "2026-01-01", "match": "talk", "skip": "shorts", "limit": 1}
    checked = shop.follow(*items, **rules)
    assert shop.given() == ["tube:2"]
    assert shop.states() == {
        "tube:5": "skipped since",
        "tube:4": "skipped match",
        "tube:3": "skipped skip",
        "tube:2": "taken",
        "tube:1": "waiting",
    }
    assert checked.counts == {"skipped": 3, "taken": 1, "waiting": 1}
    shop.look()
    assert shop.given() == ["tube:1"]


def test_other_rules_judge_again_what_was_passed_over(shop: Shop) -> None:
    shop.follow(video(1, "Song"), video(2, "Talk"), match="talk")
    _, is_new = shop.watch.add(URL, Changes(match=""))
    assert not is_new
    [checked] = shop.watch.check()
    assert [one.title for one in checked.news] == ["Song"]


def test_a_new_title_is_judged_again(shop: Shop) -> None:
    shop.follow(video(1, "Premiere"), match="talk")
    shop.look(video(1, "The talk"))
    assert shop.given() == ["tube:1"]


def test_a_new_title_does_not_make_a_video_younger(shop: Shop) -> None:
    shop.tube.opened_as["tube:1"] = [video(1, published="2026-01-01")]
    shop.follow(video(1), since="2026-06-01")
    shop.look(video(1, "Another title"))
    assert shop.tube.opened == []
    assert shop.states() == {"tube:1": "skipped since"}


def test_unknown_dates_are_looked_up_until_five_in_a_row_are_too_old(shop: Shop) -> None:
    for number in range(20, 0, -1):
        date = f"2026-01-{number:02}"
        shop.tube.opened_as[f"tube:{number}"] = [video(number, published=date)]
    shop.follow(*[video(number) for number in range(20, 0, -1)], since="2026-01-18")
    assert shop.given() == ["tube:20", "tube:19", "tube:18"]
    assert len(shop.tube.opened) == 3 + 5
    assert Counter(shop.states().values()) == {"taken": 3, "skipped since": 17}
    shop.look()
    assert shop.tube.opened == []


def test_a_list_in_another_order_is_looked_up_further(shop: Shop) -> None:
    for number in range(1, 21):
        date = f"2026-01-{number:02}"
        shop.tube.opened_as[f"tube:{number}"] = [video(number, published=date)]
    shop.follow(*[video(number) for number in range(1, 21)], since="2026-01-20")
    assert shop.given() == ["tube:20"]
    assert len(shop.tube.opened) == 20


def test_a_check_opens_no_more_than_fifty_for_their_dates(shop: Shop) -> None:
    shop.follow(*[video(number) for number in range(120)], since="2026-01-01")
    assert len(shop.given()) == 50  # their pages tell no date either
    shop.look()
    assert len(shop.given()) == 50
    shop.look()
    assert len(shop.given()) == 20


# absent videos


def test_what_is_not_to_be_had_is_kept_out_for_ever_or_until_a_date(shop: Shop) -> None:
    reasons = ["deleted", "private", "members-only", "region"]
    items = [refusal(number, reason) for number, reason in enumerate(reasons)]
    checked = shop.follow(*items, refusal(9, "upcoming", 7200.0), video(10))
    assert shop.given() == ["tube:10"]
    entries = shop.ledger.watchlist.entries(URL)
    until = [entries[f"tube:{number}"].until for number in (0, 1, 2, 3, 9)]
    assert until == [None, None, shop.clock + 30 * DAY, None, shop.clock + 7200.0]
    assert kinds(checked) == {"absent": 5, "new": 1}
    assert shop.look().news == ()


def test_a_live_talk_is_taken_when_it_is_over(shop: Shop) -> None:
    shop.follow(refusal(1, "live", 600.0))
    assert kinds(shop.look(video(1))) == {"new": 1}


def test_a_private_video_that_is_shown_again_is_news(shop: Shop) -> None:
    shop.follow(refusal(1, "private"), refusal(2, "deleted"))
    assert kinds(shop.look(video(1), refusal(2, "deleted"))) == {"new": 1}


def test_a_video_refused_when_opened_is_not_opened_again_before_its_date(shop: Shop) -> None:
    shop.tube.walls["tube:1"] = refusal(1, "members-only")
    shop.tube.walls["tube:2"] = refusal(2, "drm")
    assert kinds(shop.follow(video(1), video(2), video(3))) == {"absent": 2, "new": 1}
    shop.look()
    assert shop.tube.opened == []
    shop.tube.walls.clear()
    shop.clock += 31 * DAY
    assert kinds(shop.look()) == {"new": 1}
    assert shop.states() == {"tube:1": "taken", "tube:2": "absent drm", "tube:3": "taken"}


def test_a_taken_video_that_is_gone_is_told_once_and_kept(shop: Shop) -> None:
    shop.follow(video(1), video(2), video(3))
    checked = shop.look(refusal(1, "private"), video(3))
    assert {(one.key, one.kind, one.detail) for one in checked.news} == {
        ("tube:1", "gone", "private"),
        ("tube:2", "gone", "unlisted"),
    }
    assert len(shop.videos) == 3
    assert shop.look().news == ()
    back = shop.look(video(1), video(2), video(3))
    assert kinds(back) == {"back": 2}
    assert shop.given() == []


def test_a_list_that_was_not_read_to_its_end_says_nothing_of_what_is_missing(shop: Shop) -> None:
    shop.follow(video(1), video(2))
    shop.tube.walls[URL] = Unavailable("the site answered 503", reason="busy", retry_after=120.0)
    checked = shop.look(video(3), video(1))
    assert kinds(checked) == {"new": 1}
    assert checked.error is shop.tube.walls[URL]
    assert "503" in checked.subscription.problem
    assert checked.subscription.due == shop.clock + 120.0
    inner = Unavailable("a list within it: 503")
    shop.tube.walls.clear()
    checked = shop.look(video(3), inner)
    assert checked.news == ()
    assert checked.problems == (inner,)
    assert checked.subscription.problem == ""


def test_a_full_list_that_is_empty_is_a_problem_and_no_news(shop: Shop) -> None:
    shop.tube.walls[URL] = ContentError("the list is empty", reason="empty")
    assert shop.follow().error is None
    shop.tube.walls.clear()
    shop.look(video(1))
    shop.tube.lists[URL] = []
    shop.tube.walls[URL] = ContentError("the list is empty", reason="empty")
    checked = shop.look()
    assert (checked.news, checked.error is None) == ((), False)


# renamed, re-uploaded, removed


def test_a_renamed_video_is_given_again_with_other_words_only(shop: Shop) -> None:
    shop.follow(video(1, "Draft"))
    checked = shop.look(video(1, "Final"))
    [news] = checked.news
    assert (news.kind, news.detail, news.title) == ("renamed", "Draft", "Final")
    revision, _, words = shop.videos["tube:1"].fingerprint.partition("|")
    assert (revision, bool(words)) == ("", True)
    assert shop.wishes["tube:1"] == Wishes()
    assert shop.look().news == ()


def test_another_length_is_another_revision_and_a_rounded_one_is_not(shop: Shop) -> None:
    shop.follow(video(1, duration=600.0))
    assert shop.look(video(1, duration=605.0)).news == ()
    assert kinds(shop.look(video(1, duration=620.0))) == {"replaced": 1}
    first = shop.videos["tube:1"].fingerprint.partition("|")[0]
    assert first
    assert shop.look().news == ()
    shop.look(video(1, "Renamed", duration=620.0))
    assert shop.videos["tube:1"].fingerprint.partition("|")[0] == first
    shop.look(video(1, "Renamed", duration=600.0))
    assert shop.videos["tube:1"].fingerprint.partition("|")[0] not in {"", first}


def test_a_length_that_becomes_known_is_no_news(shop: Shop) -> None:
    shop.follow(video(1, duration=None))
    assert shop.look(video(1, duration=600.0)).news == ()
    assert shop.look(video(1, duration=None)).news == ()
    assert kinds(shop.look(video(1, duration=900.0))) == {"replaced": 1}


def test_a_new_id_with_the_title_and_length_of_one_that_is_gone_is_its_reupload(
    shop: Shop,
) -> None:
    shop.follow(video(1, "Sea", duration=600.0), video(2, "Sky", duration=600.0))
    new = [video(3, "Sea", duration=601.0), video(4, "Sky", duration=601.0)]
    checked = shop.look(*new, refusal(1, "deleted"), video(2, "Sky", duration=600.0))
    found = {one.key: one.reupload_of for one in checked.of("new")}
    assert found == {"tube:3": ("tube:1",), "tube:4": ()}
    assert "tube:1" in shop.videos


def test_a_video_that_a_person_removed_does_not_come_back(shop: Shop) -> None:
    shop.follow(video(1), video(2))
    del shop.videos["tube:1"]
    assert shop.look().news == ()
    checked = shop.look(video(1, "Renamed", duration=900.0), video(2))
    assert (checked.news, shop.given()) == ((), [])
    assert shop.look().news == ()


def test_a_series_that_grows_gives_its_new_part_alone(shop: Shop) -> None:
    parts = [video(1, "One"), video(2, "Two")]
    shop.tube.opened_as["tube:9"] = parts
    shop.follow(video(9, "Series", duration=200.0))
    shop.tube.opened_as["tube:9"] = [*parts, video(3, "Three")]
    checked = shop.look(video(9, "Series", duration=300.0))
    assert shop.given() == ["tube:3"]
    assert checked.news[0].video_ids == ("tube:1", "tube:2", "tube:3")
    shop.look(video(9, "Series", duration=500.0))
    assert shop.given() == ["tube:1", "tube:2", "tube:3"]


# what stands in the way


def test_a_wall_while_taking_keeps_what_was_taken_and_the_rest_waits(shop: Shop) -> None:
    shop.tube.walls["tube:2"] = Rejected("not a bot?", hint="give cookies", reason="bot-check")
    checked = shop.follow(video(1), video(2), video(3), every="6h")
    assert shop.given() == ["tube:1"]
    assert checked.error is shop.tube.walls["tube:2"]
    assert shop.states() == {"tube:1": "taken", "tube:2": "waiting", "tube:3": "waiting"}
    assert checked.subscription.problem == "not a bot? (give cookies)"
    assert checked.subscription.due == shop.clock + 3600.0
    shop.tube.walls.clear()
    shop.look()
    assert shop.given() == ["tube:2", "tube:3"]


def test_an_error_of_one_list_does_not_keep_the_others(shop: Shop) -> None:
    good = "https://tube.test/good"
    shop.tube.lists[good] = [video(1)]
    shop.tube.walls[URL] = ContentError("there is no such channel")
    for url in (URL, good):
        shop.watch.add(url, Changes())
    bad, fine = shop.watch.check()
    assert (str(bad.error), fine.error) == ("there is no such channel", None)
    assert bad.subscription.checked is None
    assert kinds(fine) == {"new": 1}


def test_a_site_that_cools_down_is_left_alone_until_its_time(shop: Shop) -> None:
    shop.follow(video(1))
    until = shop.clock + 900.0
    shop.ledger.sites.change("tube.test", lambda state: replace(state, cooling_until=until))
    shop.tube.listings.clear()
    checked = shop.look()
    assert (checked.passed, checked.subscription.due) == ("cooling-down", until)
    assert not shop.tube.listings
    shop.clock = until
    assert [one.passed for one in shop.watch.check()] == [""]
    assert shop.ledger.sites.site("tube.test") == SiteState("tube.test", until)


def test_the_sources_own_refusal_to_visit_is_no_problem_of_the_list(shop: Shop) -> None:
    wall = Unavailable("the site cools down", reason="cooling-down", retry_after=500.0)
    shop.tube.walls[URL] = wall
    checked = shop.follow()
    assert (checked.passed, checked.error) == ("cooling-down", None)
    assert checked.subscription.due == shop.clock + 500.0


def test_a_list_that_another_process_looks_at_is_left_to_it(shop: Shop) -> None:
    shop.watch.add(URL, Changes())
    assert shop.ledger.claim(URL, "watch", "elsewhere|1|1|", 60.0)
    [checked] = shop.watch.check()
    assert checked.passed == "busy"
    assert not shop.tube.listings


def test_what_a_person_changes_during_a_check_stays(shop: Shop) -> None:
    shop.tube.lists[URL] = [video(1)]
    shop.watch.add(URL, Changes())

    class Slow(Tube):
        def discover(self, url: str) -> Iterator[Video | VideoRagError]:
            shop.watch.pause(url)
            yield from super().discover(url)

    shop.tube = Slow(shop.tube.lists)
    [checked] = shop.watch.check()
    assert checked.subscription.is_paused
    assert shop.watch.find(URL).is_paused


def test_a_subscription_removed_during_its_check_stays_removed(shop: Shop) -> None:
    shop.watch.add(URL, Changes())

    class Slow(Tube):
        def discover(self, url: str) -> Iterator[Video | VideoRagError]:
            shop.watch.remove(url)
            yield video(1)

    shop.tube = Slow()
    list(shop.watch.check())
    assert shop.watch.all() == []
    assert shop.ledger.watchlist.entries(URL) == {}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kills=st.lists(st.integers(0, 4), max_size=5))
def test_killed_anywhere_nothing_is_lost_and_nothing_given_twice(
    tmp_path_factory: pytest.TempPathFactory, kills: list[int]
) -> None:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.tube.lists[URL] = [video(number) for number in range(8)]
    shop.watch.add(URL, Changes())
    gives: list[str] = []
    for after in kills:
        shop.dies_after = after
        with pytest.raises(KeyboardInterrupt):
            shop.look()
        gives += shop.given()
        if len(gives) >= 8 - 4:
            break
    shop.dies_after = None
    shop.look()
    gives += shop.given()
    shop.ledger.close()
    assert gives == [f"tube:{number}" for number in range(8)]


# what is watched


def test_settings_change_one_by_one_and_the_cursor_stays(shop: Shop) -> None:
    shop.follow(video(1), collection="sea", limit=3)
    kept, is_new = shop.watch.add(f" {URL} ", Changes(every="6h"))
    assert (is_new, kept.every, kept.collection, kept.limit) == (False, "6h", "sea", 3)
    shop.look()
    assert shop.given() == []


@pytest.mark.parametrize(
    ("url", "changes"),
    [
        (URL, Changes(every="often")),
        (URL, Changes(since="yesterday")),
        (URL, Changes(match="(")),
        (URL, Changes(skip="[")),
        (URL, Changes(limit=-1)),
        ("gopher://tube.test/", Changes()),
        ("https://tube.test/" + "x" * 3000, Changes()),
        ("https://tube.test/a b", Changes()),
        ("/not/there", Changes()),
    ],
)
def test_nothing_is_kept_unless_all_is_right(shop: Shop, url: str, changes: Changes) -> None:
    with pytest.raises(UsageError):
        shop.watch.add(url, changes)
    assert shop.watch.all() == []
    assert not shop.tube.listings


def test_a_subscription_is_found_by_url_number_and_part(shop: Shop) -> None:
    urls = [URL, "https://tube.test/list?list=42", "https://tube.test/@other"]
    for url in urls:
        shop.watch.add(url, Changes())
    names = [URL, "2", "@OTHER", "list=42"]
    assert [shop.watch.find(name).url for name in names] == [urls[0], urls[1], urls[2], urls[1]]
    with pytest.raises(UsageError, match="fits 3"):
        shop.watch.find("tube.test")
    for name in ("4", "0", "", "elsewhere"):
        with pytest.raises(NotFound):
            shop.watch.find(name)


def test_a_paused_list_is_left_alone_also_when_named(shop: Shop) -> None:
    shop.watch.add(URL, Changes())
    shop.watch.pause(URL)
    assert list(shop.watch.check(now=True)) == []
    assert [one.passed for one in shop.watch.check([URL])] == ["paused"]
    assert not shop.tube.listings
    shop.watch.pause(URL, paused=False)
    assert [one.passed for one in shop.watch.check()] == [""]


def test_a_named_list_is_looked_at_though_it_is_not_due(shop: Shop) -> None:
    shop.follow(video(1))
    assert [one.listed for one in shop.watch.check(["channel"])] == [1]


def test_removing_a_subscription_keeps_its_videos(shop: Shop) -> None:
    shop.follow(video(1))
    shop.watch.remove(URL)
    assert list(shop.videos) == ["tube:1"]
    with pytest.raises(NotFound):
        shop.watch.remove(URL)


def test_counts_are_shown_with_each_subscription(shop: Shop) -> None:
    shop.follow(video(1), video(2), refusal(3, "private"), limit=1)
    [watched] = shop.watch.all()
    assert (watched.number, watched.counts) == (1, {"taken": 1, "waiting": 1, "absent": 1})


# a clock that was wrong


@pytest.mark.parametrize("years", [0.01, 1, 10, 40])
def test_a_clock_that_was_wrong_and_is_put_back_leaves_no_list_asleep(
    shop: Shop, years: float
) -> None:
    right = shop.clock
    shop.follow(video(1), every="6h")
    shop.clock = right + years * 365 * DAY
    assert [one.subscription.url for one in shop.watch.check()] == [URL]
    shop.clock = right + DAY
    shop.tube.lists[URL] = [video(1), video(2)]
    assert [one.subscription.url for one in shop.watch.check()] == [URL]
    assert "tube:2" in shop.videos
    assert list(shop.watch.check()) == []
    assert shop.watch.all()[0].subscription.due < shop.clock + DAY


def test_a_failure_by_a_wrong_clock_is_looked_at_again(shop: Shop) -> None:
    right = shop.clock
    shop.follow(video(1), every="6h")
    shop.clock = right + 3650 * DAY
    shop.tube.walls[URL] = Unavailable("away", retry_after=100.0)
    list(shop.watch.check())
    shop.clock = right + DAY
    shop.tube.walls.clear()
    assert [one.error for one in shop.watch.check()] == [None]


def test_a_site_that_cools_down_by_a_wrong_clock_is_visited(shop: Shop) -> None:
    shop.follow(video(1), every="6h")
    future = shop.clock + 3650 * DAY
    wall = SiteState("tube.test", cooling_until=future + 100, since=future, reason="rate")
    shop.ledger.sites.change("tube.test", lambda _state: wall)
    shop.clock += DAY
    assert [one.passed for one in shop.watch.check()] == [""]


def test_a_list_that_is_seldom_looked_at_sleeps_as_long_as_it_says(shop: Shop) -> None:
    shop.follow(video(1), every="0 0 1 1 *")
    shop.clock += DAY
    assert list(shop.watch.check()) == []
