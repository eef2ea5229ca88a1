"""What the ledger remembers of web sites and of subscriptions, also among processes."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from video_rag.net.sites import SiteState
from video_rag.stores import Entry, Subscription
from video_rag.stores.sql import Sql

URL = "https://a.example/list"
COUNT = """
import dataclasses, sys
from pathlib import Path
from video_rag.stores.sql import Sql
sites = Sql(Path(sys.argv[1])).sites
for _ in range(50):
    sites.change("a.example", lambda state: dataclasses.replace(state, visits=state.visits + 1))
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Sql]:
    sql = Sql(tmp_path / "library.db")
    yield sql
    sql.close()


def test_an_unknown_site_is_empty_and_stays_so(ledger: Sql) -> None:
    assert ledger.sites.site("a.example") == SiteState("a.example")
    assert ledger.sites.sites() == []


def test_a_change_is_seen_by_another_ledger_of_the_same_file(ledger: Sql, tmp_path: Path) -> None:
    state = SiteState("b.example", 5.0, 4.0, "rate-limit", "429", 2, 6.0, "2026-11-24", 3)
    assert ledger.sites.change("b.example", lambda _: state) == state
    ledger.sites.change("a.example", lambda old: old)
    other = Sql(tmp_path / "library.db")
    assert other.sites.sites() == [SiteState("a.example"), state]
    other.close()


def test_a_change_that_fails_changes_nothing(ledger: Sql) -> None:
    ledger.sites.change("a.example", lambda state: dataclasses.replace(state, visits=1))

    def fail(state: SiteState) -> SiteState:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ledger.sites.change("a.example", fail)
    assert ledger.sites.site("a.example").visits == 1


def test_two_processes_and_threads_lose_no_visit(ledger: Sql, tmp_path: Path) -> None:
    """Every change reads and writes in one transaction."""
    command = [sys.executable, "-c", COUNT, str(tmp_path / "library.db")]
    processes = [subprocess.Popen(command) for _ in range(2)]

    def count() -> None:
        for _ in range(50):
            ledger.sites.change(
                "a.example", lambda state: dataclasses.replace(state, visits=state.visits + 1)
            )

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(60) for process in processes] == [0, 0]
    assert ledger.sites.site("a.example").visits == 200


def test_subscriptions_stay_in_order_and_are_replaced_in_place(ledger: Sql) -> None:
    watchlist = ledger.watchlist
    watchlist.subscribe(Subscription(URL, "6h"))
    watchlist.subscribe(Subscription(f"{URL}2", "0 3 * * *", since="2026-01-01", limit=5))
    changed = Subscription(URL, "1h", is_paused=True, title="Talks", checked=9.5, due=10.0)
    watchlist.subscribe(changed)
    assert [row.url for row in watchlist.subscriptions()] == [URL, f"{URL}2"]
    assert watchlist.subscriptions()[0] == changed


def test_unsubscribing_forgets_what_was_seen(ledger: Sql) -> None:
    watchlist = ledger.watchlist
    watchlist.subscribe(Subscription(URL, "6h"))
    watchlist.see(URL, [Entry("youtube:a", "waiting")])
    assert watchlist.unsubscribe(URL)
    assert not watchlist.unsubscribe(URL)
    watchlist.subscribe(Subscription(URL, "6h"))
    assert watchlist.entries(URL) == {}


def test_nothing_is_seen_of_a_list_that_nobody_watches(ledger: Sql) -> None:
    ledger.watchlist.see(URL, [Entry("youtube:a", "waiting")])
    ledger.watchlist.subscribe(Subscription(URL, "6h"))
    ledger.watchlist.see(URL, [])
    assert ledger.watchlist.entries(URL) == {}


def test_entries_of_two_lists_are_kept_apart(ledger: Sql) -> None:
    for url in (URL, f"{URL}2"):
        ledger.watchlist.subscribe(Subscription(url, "6h"))
    ledger.watchlist.see(URL, [Entry("youtube:a", "waiting")])
    ledger.watchlist.see(f"{URL}2", [Entry("youtube:a", "taken", video_ids=("youtube:a",))])
    assert ledger.watchlist.entries(URL)["youtube:a"].state == "waiting"
    assert ledger.watchlist.entries(f"{URL}2")["youtube:a"].video_ids == ("youtube:a",)


text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
entries = st.builds(
    Entry,
    key=text,
    state=st.sampled_from(["waiting", "taken", "skipped", "absent"]),
    title=text,
    duration=st.none() | st.floats(0, 1e6),
    reason=text,
    until=st.none() | st.floats(0, 1e10),
    video_ids=st.lists(text, max_size=3).map(tuple),
    is_listed=st.booleans(),
)


@given(st.lists(st.lists(entries, max_size=5), max_size=4))
@settings(max_examples=30, deadline=None)
def test_the_last_sight_of_an_entry_is_what_is_kept(
    tmp_path_factory: pytest.TempPathFactory, sights: list[list[Entry]]
) -> None:
    ledger = Sql(tmp_path_factory.mktemp("ledger") / "library.db")
    ledger.watchlist.subscribe(Subscription(URL, "6h"))
    wanted: dict[str, Entry] = {}
    for sight in sights:
        ledger.watchlist.see(URL, sight)
        wanted |= {entry.key: entry for entry in sight}
    assert ledger.watchlist.entries(URL) == wanted
    ledger.close()
