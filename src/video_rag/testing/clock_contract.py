"""What every ledger must do for clocks and for `status`. Subclass it with a fixture `ledger`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from video_rag.stores import Failure, Ledger, Result
from video_rag.stores.activity import Ended, Timing
from video_rag.stores.agenda import Judged, Verdict
from video_rag.stores.slots import Slot


class ClockTests:
    """Slots are taken once; what ended and what failed is counted."""

    def test_a_slot_is_put_in_the_place_of_the_one_that_was_seen(self, ledger: Ledger) -> None:
        """Who saw another slot changes nothing."""
        first = Slot("tick", 1000.5)
        assert ledger.slots.get("tick") is None
        assert ledger.slots.keep(None, first)
        assert not ledger.slots.keep(None, replace(first, at=2000.0))
        assert ledger.slots.get("tick") == first
        begun = Slot("tick", 1_790_000_000.123456, is_done=False, attempts=1)
        assert ledger.slots.keep(first, begun)
        assert not ledger.slots.keep(first, replace(begun, attempts=2))
        assert ledger.slots.get("tick") == begun
        assert ledger.slots.keep(begun, replace(begun, is_done=True))
        assert ledger.slots.get("run") is None

    def test_of_many_who_take_a_slot_one_has_it(self, ledger: Ledger) -> None:
        """Clocks may begin at the same moment."""
        seen = None
        for number in range(5):
            new = [Slot("tick", 60.0 * number, attempts=one) for one in range(8)]
            with ThreadPoolExecutor(8) as threads:
                kept = list(threads.map(ledger.slots.keep, [seen] * 8, new))
            assert kept.count(True) == 1
            seen = ledger.slots.get("tick")
            assert seen == new[kept.index(True)]

    def test_stages_that_ended_lately_are_counted_over_all_workers(self, ledger: Ledger) -> None:
        """Two workers may count in the same minute."""
        assert ledger.activity.pace(900).stages == {}
        with ThreadPoolExecutor(4) as threads:
            counts = [{"save": 1, "read": 2}] * 8
            list(threads.map(ledger.activity.count, [f"host:{n % 2}" for n in range(8)], counts))
        pace = ledger.activity.pace(900)
        assert pace.stages == {"save": 8, "read": 16}
        assert 0 < pace.seconds <= 900

    def test_how_long_stages_took_adds_up_over_all_workers(self, ledger: Ledger) -> None:
        """By site and by the length of the video, with what failed."""
        known = Judged("plan", "ready", url="https://example.com/1", duration=600.0)
        ledger.commit("youtube:1", "give", {"video": Result("v", "", "{}")})
        seen = ledger.agenda.see("youtube:1")
        assert seen
        ledger.agenda.judge({"youtube:1": Verdict(seen.change, known)})
        one = Ended("youtube:1", "fetch", "ytdlp", "done", 2.0)
        more = [replace(one, seconds=4.0), Ended("file:2", "fetch", "folder", "failed", 1.0)]
        with ThreadPoolExecutor(4) as threads:
            list(
                threads.map(lambda n: ledger.activity.keep(f"host:{n}", [one, *more], {}), range(4))
            )
        assert ledger.activity.timings() == [
            Timing("fetch", "folder", "file", "unknown", "failed", 4, 4.0, 1.0, 0.0),
            Timing("fetch", "ytdlp", "youtube", "5 to 20 min", "done", 8, 24.0, 4.0, 4800.0),
        ]
        assert ledger.activity.timings(ledger.now() + 2 * 86_400) == []
        assert ledger.activity.pace(900).stages == {"fetch": 8}

    def test_what_is_counted_for_metrics_adds_up_over_all_processes(self, ledger: Ledger) -> None:
        """Each writes what it counted since."""
        calls = ("model_calls", (("kind", "chat"), ("model", "a")))
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda n: ledger.activity.keep("h", [], {calls: n}), range(5)))
        assert ledger.activity.tallies() == {calls: 10.0}

    def test_failures_are_counted_by_kind_and_each_video_once(self, ledger: Ledger) -> None:
        """A video may fail in two stages."""

        def fail(video_id: str, stage: str, error: str, due: float | None) -> None:
            ledger.fail(video_id, Failure(stage, "k", error, "it went wrong", "", 1, due))

        for name in ("v1", "v2", "v3"):
            ledger.commit(name, "give", {"video": Result(name, "", "{}")})
        fail("v1", "fetch", "Unavailable", 5.0)
        fail("v2", "fetch", "Unavailable", None)
        fail("v2", "publish@a", "Unavailable", 9.0)
        fail("v3", "listen", "ContentError", None)
        troubles = ledger.activity.troubles()
        told = [(one.error, one.videos, one.retried) for one in troubles]
        assert told == [("Unavailable", 2, 2), ("ContentError", 1, 0)]

    def test_without_anything_on_a_queue_nothing_is_the_oldest(self, ledger: Ledger) -> None:
        """No age is made up."""
        assert ledger.activity.oldest() is None
