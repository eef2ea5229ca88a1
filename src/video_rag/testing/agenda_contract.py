"""What the agenda and the lists of every ledger must do: subclass `AgendaTests`, see below."""

from __future__ import annotations

from typing import Any

from video_rag.choices import State
from video_rag.model import Job
from video_rag.stores import Failure, Ledger, Result, Shown
from video_rag.stores.agenda import Judged, Step, Verdict

_PLAN, _OTHER = "5 plan", "9 plan"
_HERE, _THERE = "elsewhere|1|1|a|1", "elsewhere|2|1|b|1"


def _judged(*steps: Step, state: State = "queued", plan: str = _PLAN, name: str = "a") -> Judged:
    return Judged(plan, state, steps, f"Talk {name}", f"/talks/{name}.srt", 60.0, None, ("c",))


def _give(ledger: Ledger, video_id: str, judged: Judged | None = None) -> None:
    rows = {"video": Result("d0", "", "{}"), "origins": Result("d1", "")}
    seen = ledger.agenda.see(video_id)
    verdict = Verdict(seen.change if seen else 0, judged) if judged else None
    ledger.commit(video_id, "give", rows, verdict=verdict, host="here")


def _job(video_id: str, stage: str) -> Job:
    return Job(video_id=video_id, stage=stage)


class AgendaTests:
    """The contract of `stores.agenda.Agenda`; give it a `ledger` fixture."""

    def test_what_is_judged_with_a_change_is_due_by_it(self, ledger: Ledger) -> None:
        """Nobody has to look at the video again."""
        _give(ledger, "v:1", _judged(Step("fetch", "net"), Step("look", "cpu", 1e12)))
        assert ledger.agenda.unjudged(_PLAN, 10) == []
        assert ledger.agenda.due() == ["v:1"]
        assert ledger.agenda.steps("v:1") == [Step("fetch", "net"), Step("look", "cpu", 1e12)]
        assert ledger.agenda.states() == {"queued": 1}
        seen = ledger.agenda.see("v:1")
        assert seen is not None
        assert (seen.host, set(seen.results)) == ("here", {"video", "origins"})

    def test_whatever_is_written_takes_the_judgement_away(self, ledger: Ledger) -> None:
        """Results, failures, what was lost and what was forgiven."""
        for change in (
            lambda: ledger.commit("v:1", "look", {"frames": Result("f", "k")}),
            lambda: ledger.fail("v:1", Failure("read", "k", "Bug", "", "", 1, None)),
            lambda: ledger.forgive("v:1"),
            lambda: ledger.lose("f"),
        ):
            _give(ledger, "v:1", _judged())
            assert ledger.agenda.unjudged(_PLAN, 10) == []
            change()
            assert [seen.video_id for seen in ledger.agenda.unjudged(_PLAN, 10)] == ["v:1"]

    def test_a_judgement_of_what_was_before_is_dropped(self, ledger: Ledger) -> None:
        """It was made beside a change that it does not know of."""
        _give(ledger, "v:1")
        (seen,) = ledger.agenda.unjudged(_PLAN, 10)
        ledger.commit("v:1", "look", {"frames": Result("f", "k")})
        ledger.agenda.judge({"v:1": Verdict(seen.change, _judged(Step("look", "cpu")))})
        assert ledger.agenda.due() == []
        (seen,) = ledger.agenda.unjudged(_PLAN, 10)
        assert "frames" in seen.results
        ledger.agenda.judge({"v:1": Verdict(seen.change, _judged(Step("read", "cpu")))})
        assert ledger.agenda.steps("v:1") == [Step("read", "cpu")]

    def test_a_changed_plan_is_judged_in_parts(self, ledger: Ledger) -> None:
        """What another plan judged is told from what nobody did."""
        for number in range(5):
            _give(ledger, f"v:{number}", _judged(plan=_OTHER if number else _PLAN))
        _give(ledger, "v:9")
        assert [s.video_id for s in ledger.agenda.unjudged(_PLAN, 10, others=False)] == ["v:9"]
        assert len(ledger.agenda.unjudged(_PLAN, 10)) == 5
        assert len(ledger.agenda.unjudged("7 plan", 10)) == 6
        assert len(ledger.agenda.unjudged("7 plan", 3)) == 3

    def test_a_stage_is_taken_once(self, ledger: Ledger) -> None:
        """In the order of time, then of videos; urgent ones before."""
        for name in "abc":
            _give(ledger, name, _judged(Step("fetch", "net"), Step("look", "cpu"), name=name))
        ledger.agenda.hurry(["c"])
        taken = [ledger.agenda.take(["net"], _HERE, 60) for _ in range(4)]
        assert taken == [_job(name, "fetch") for name in "cab"] + [None]
        assert ledger.agenda.take(["gpu"], _HERE, 60) is None
        assert ledger.agenda.take(None, _THERE, -1) == _job("c", "look")
        assert ledger.agenda.take(None, _THERE, 60) == _job("c", "look")
        assert {(one.video_id, one.stage) for one in ledger.agenda.at_work()} == {
            *(("a", "fetch"), ("b", "fetch"), ("c", "fetch"), ("c", "look"))
        }

    def test_a_commit_gives_the_claim_back_and_says_what_follows(self, ledger: Ledger) -> None:
        """In one step, so that nothing is lost between the two."""
        _give(ledger, "v:1", _judged(Step("fetch", "net")))
        assert ledger.agenda.take(["net"], _HERE, 60) == _job("v:1", "fetch")
        seen = ledger.agenda.see("v:1")
        assert seen is not None
        verdict = Verdict(seen.change, _judged(Step("look", "cpu")))
        made = {"media": Result("m", "k")}
        assert not ledger.commit("v:1", "fetch", made, _THERE, verdict)
        assert ledger.commit("v:1", "fetch", made, _HERE, verdict)
        assert ledger.agenda.at_work() == []
        assert ledger.agenda.take(["net", "cpu"], _HERE, 60) == _job("v:1", "look")

    def test_a_failure_of_a_lost_claim_counts_for_nothing(self, ledger: Ledger) -> None:
        """Who has the stage now decides."""
        _give(ledger, "v:1", _judged(Step("fetch", "net")))
        assert ledger.claim("v:1", "fetch", _HERE, 60)
        failure = Failure("fetch", "k", "Unavailable", "away", "", 1, 5.0)
        ledger.fail("v:1", failure, _THERE)
        assert ledger.failures("v:1") == {}
        seen = ledger.agenda.see("v:1")
        assert seen is not None
        later = Verdict(seen.change, _judged(Step("fetch", "net", 1e12), state="waiting"))
        ledger.fail("v:1", failure, _HERE, later)
        assert ledger.failures_of(["v:1", "v:2"]) == {"v:1": [failure]}
        assert ledger.agenda.due() == []
        assert [(one.route, one.ready, one.later) for one in ledger.agenda.backlog()] == []
        ledger.release("v:1", "fetch", _HERE)
        assert [(one.route, one.ready, one.later) for one in ledger.agenda.backlog()] == [
            ("net", 0, 1)
        ]

    def test_how_far_a_stage_is_can_be_told(self, ledger: Ledger) -> None:
        """By its owner alone."""
        _give(ledger, "v:1")
        assert ledger.claim("v:1", "look", _HERE, 60)
        ledger.agenda.report("v:1", "look", _THERE, 0.9, "no")
        ledger.agenda.report("v:1", "look", _HERE, 0.5, "slide 1 of 2")
        assert ledger.claim("v:1", "look", _HERE, 90)
        (one,) = ledger.agenda.at_work()
        assert (one.share, one.note, one.owner) == (0.5, "slide 1 of 2", _HERE)
        assert one.worker
        assert one.since <= ledger.now() < one.until

    def test_what_was_sent_to_a_queue_is_not_sent_again_at_once(self, ledger: Ledger) -> None:
        """And is still known when the video is judged anew."""
        _give(ledger, "v:1", _judged(Step("fetch", "net"), Step("look", "cpu")))
        ledger.agenda.hurry(["v:1"])
        both = [(_job("v:1", "fetch"), "net", True), (_job("v:1", "look"), "cpu", True)]
        assert sorted(ledger.agenda.to_send(9, 0.0), key=str) == sorted(both, key=str)
        ledger.agenda.sent([_job("v:1", "fetch")])
        _give(ledger, "v:1", _judged(Step("fetch", "net"), Step("look", "cpu")))
        assert ledger.agenda.to_send(9, ledger.now() - 60) == [(_job("v:1", "look"), "cpu", True)]
        assert len(ledger.agenda.to_send(9, ledger.now() + 60)) == 2

    def test_claims_that_ran_out_are_forgotten(self, ledger: Ledger) -> None:
        """Living ones are not."""
        assert ledger.claim("v:1", "look", _HERE, -1)
        assert ledger.claim("v:1", "read", _HERE, 60)
        assert ledger.agenda.lapse() == 1
        assert ledger.claimed() == {("v:1", "read")}

    def test_videos_are_found_by_where_they_are_from(self, ledger: Ledger) -> None:
        """Paths and URLs, and parts of titles."""
        for video_id, name in (("f:1", "one"), ("f:2", "Two"), ("f:3", "one")):
            _give(ledger, video_id, _judged(name=name))
        agenda = ledger.agenda
        places = agenda.positions(["/talks/one.srt", "/nowhere"])
        assert list(places["/talks/one.srt"]) == ["f:1", "f:3"]
        assert places["/nowhere"] == {}
        assert agenda.crowded() == [["f:1", "f:3"]]
        assert agenda.named("tALK tWO") == ["f:2"]
        assert agenda.named("f:3") == ["f:3"]
        assert agenda.named("100%_") == []

    def test_lists_are_chosen_sorted_and_counted(self, ledger: Ledger) -> None:
        """By what was judged."""
        _give(ledger, "v:1", Judged(_PLAN, "ready", (), "b", "u1", 9.0, "2026-01-02", ("x", "y")))
        _give(ledger, "v:2", Judged(_PLAN, "failed", (), "A", "u2", None, "2026-01-01", ("x",)))
        _give(ledger, "v:3", Judged(_PLAN, "queued", (), "C", "u3", 5.0, None, ("y",)))

        def shown(**how: Any) -> list[str]:
            listed = ledger.page(Shown(10, **how))
            assert listed.total == len(listed.results)
            return [name[2:] for name in listed.results]

        assert shown() == ["1", "2", "3"]
        assert shown(sort="-added") == ["3", "2", "1"]
        assert shown(sort="title") == ["2", "1", "3"]
        assert shown(sort="duration") == ["3", "1", "2"]
        assert shown(sort="-duration") == ["1", "3", "2"]
        assert shown(sort="-published") == ["1", "2", "3"]
        assert shown(collection="y") == ["1", "3"]
        assert shown(collection="y", sort="-added") == ["3", "1"]
        assert shown(text="U2") == ["2"]
        assert shown(text="%") == []
        assert shown(state="failed") == ["2"]
        assert shown(only=frozenset({"v:3", "v:9"})) == ["3"]
        assert shown(apart=frozenset({"v:3"})) == ["1", "2"]
        assert list(ledger.page(Shown(1, 1)).results) == ["v:2"]
        assert ledger.page(Shown(1, 1)).total == 3
        assert ledger.collections() == {"x": 2, "y": 2}
        assert ledger.agenda.unready() == ["v:2", "v:3"]
        ledger.leave("v:2")
        assert shown() == ["1", "3"]
        assert ledger.collections() == {"x": 1, "y": 2}

    def test_a_video_that_goes_is_due_no_longer(self, ledger: Ledger) -> None:
        """Neither while it leaves nor when it is gone."""
        for name in "ab":
            _give(ledger, name, _judged(Step("fetch", "net"), name=name))
        ledger.leave("a")
        assert ledger.agenda.due() == ["b"]
        assert ledger.agenda.see("a") is None
        ledger.remove("b")
        assert ledger.agenda.take(None, _HERE, 60) is None

    def test_any_title_can_be_kept(self, ledger: Ledger) -> None:
        """Halves of characters, zeros, and more than an index takes."""
        title = "\ud83d a\0b " + "很长的标题" * 2000
        judged = Judged(_PLAN, "ready", (), title, f"/\udcff/{title}", None, None, ("c",))
        _give(ledger, "v:1", judged)
        assert list(ledger.page(Shown(5, sort="title")).results) == ["v:1"]
        assert list(ledger.page(Shown(5, text="很长的标题")).results) == ["v:1"]
