"""The engine with small real stages: no plug-ins, a real ledger, real blobs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from video_rag.digest import of_value
from video_rag.errors import ContentError, Unavailable, VideoRagError
from video_rag.model import Job, Origins, Page, Video
from video_rag.observers import Event, StageDone, StageFailed
from video_rag.pipeline.engine import Engine
from video_rag.pipeline.judging import Judge, Routes
from video_rag.pipeline.plan import Plan, Stage
from video_rag.pipeline.results import kept, load
from video_rag.pipeline.work import Work
from video_rag.plugins import Options
from video_rag.queues.inline import Inline
from video_rag.stores.local import Local
from video_rag.stores.sql import Sql

VIDEO = Video(video_id="v:1", source="folder", url="/a.mp4", title="A")


class Listener:
    version = 1
    options = Options()

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def ran(self) -> list[str]:
        return [e.stage for e in self.events if isinstance(e, StageDone)]

    def failed(self) -> list[StageFailed]:
        return [e for e in self.events if isinstance(e, StageFailed)]


class Bench:
    """Two stages, `upper` and `twice`, each of which makes a page from the one before."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Sql(folder / "library.db")
        self.blobs = Local(folder / "blobs")
        self.folder = folder
        self.upper: Callable[[Work], Page] = lambda work: _page(
            work.read("origins", Origins).url.upper()
        )
        self.configs = {"upper": "1", "twice": "1"}
        self.give(VIDEO)

    def give(self, video: Video) -> None:
        rows = {
            "video": kept(self.blobs, "video", video, ""),
            "origins": kept(self.blobs, "origins", video.origins, ""),
        }
        self.ledger.commit(video.video_id, "give", rows)

    def plan(self) -> Plan:
        return Plan(
            (
                Stage("upper", ("origins",), "upper", self.upper, "u", self.configs["upper"]),
                Stage("twice", ("upper",), "twice", _twice, "t", self.configs["twice"]),
            )
        )

    def run(self) -> Listener:
        listener, queue = Listener(), Inline(Inline.Options())
        engine = self.engine(queue, listener)
        engine.advance("v:1")
        queue.serve(engine.handle)
        return listener

    def engine(self, queue: Inline, listener: Listener) -> Engine:
        return Engine(
            self.judge(), self.ledger, self.blobs, queue.submit, [listener], self.folder / "s", 60
        )

    def judge(self) -> Judge:
        return Judge(self.plan(), self.ledger, self.blobs, Routes())

    def made(self, name: str) -> str:
        return load(self.blobs, self.ledger.results("v:1")[name], Page).path


def _page(text: str) -> Page:
    return Page(path=text, digest=of_value(text))


def _twice(work: Work) -> Page:
    return _page(work.read("upper", Page).path * 2)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.ledger.close()


def test_stages_run_in_order_once_and_never_again(bench: Bench) -> None:
    assert bench.run().ran() == ["upper", "twice"]
    assert bench.made("twice") == "/A.MP4/A.MP4"
    assert bench.run().ran() == []


def test_a_changed_option_runs_only_what_depends_on_it(bench: Bench) -> None:
    bench.run()
    bench.configs["twice"] = "2"
    assert bench.run().ran() == ["twice"]


def test_the_same_result_again_stops_the_work_there(bench: Bench) -> None:
    bench.run()
    bench.configs["upper"] = "2"
    assert bench.run().ran() == ["upper"]


def test_a_new_input_runs_all(bench: Bench) -> None:
    bench.run()
    bench.give(VIDEO.model_copy(update={"fingerprint": "new"}))
    assert bench.run().ran() == ["upper"]
    bench.give(VIDEO.model_copy(update={"url": "/b.mp4"}))
    assert bench.run().ran() == ["upper", "twice"]


def test_facts_that_do_not_decide_the_download_run_nothing_here(bench: Bench) -> None:
    bench.run()
    bench.give(VIDEO.model_copy(update={"title": "B"}))
    assert bench.run().ran() == []


def test_the_videos_fault_stands_until_an_input_changes(bench: Bench) -> None:
    def fail(work: Work) -> Page:
        raise ContentError("silent", hint="add subtitles")

    good, bench.upper = bench.upper, fail
    failed = bench.run().failed()
    assert [(f.error, f.message, f.hint, f.retried) for f in failed] == [
        ("ContentError", "silent", "add subtitles", False)
    ]
    assert bench.run().failed() == []
    bench.upper = good
    assert bench.run().ran() == []
    bench.configs["upper"] = "2"
    assert bench.run().ran() == ["upper", "twice"]
    assert bench.ledger.failures("v:1") == {}


def test_a_server_that_is_away_is_tried_when_due(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(bench.ledger, "now", lambda: clock[0])

    def away(work: Work) -> Page:
        raise Unavailable("away", retry_after=600)

    good, bench.upper = bench.upper, away
    assert bench.run().failed()[0].retried
    assert bench.ledger.failures("v:1")["upper"].due == 1600
    assert bench.run().failed() == []
    clock[0] = 1601.0
    bench.run()
    assert bench.ledger.failures("v:1")["upper"].attempts == 2
    clock[0] += 3600
    bench.upper = good
    assert bench.run().ran() == ["upper", "twice"]


def test_a_bug_in_one_stage_is_a_failure_with_its_name(bench: Bench) -> None:
    def bug(work: Work) -> Page:
        raise KeyError("oops")

    bench.upper = bug
    failed = bench.run().failed()
    assert failed[0].error == "Bug"
    assert "KeyError" in failed[0].message


def test_a_note_on_an_error_is_told(bench: Bench) -> None:
    def fail(work: Work) -> Page:
        error: VideoRagError = ContentError("no model")
        error.add_note("talk.srt: no cues found")
        raise error

    bench.upper = fail
    assert bench.run().failed()[0].message == "no model · talk.srt: no cues found"


def test_many_threads_with_every_job_doubled_run_each_stage_once(bench: Bench) -> None:
    listener = Listener()
    engine = bench.engine(Inline(Inline.Options()), listener)
    jobs = [Job(video_id="v:1", stage=stage) for stage in ("upper", "twice")] * 6

    def work() -> None:
        for job in jobs:
            engine.handle(job)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(listener.ran()) == ["twice", "upper"]
    assert bench.ledger.claimed() == set()


def test_a_claim_held_elsewhere_is_left_alone(bench: Bench) -> None:
    assert bench.ledger.claim("v:1", "upper", "elsewhere|1|1|", 60)
    assert bench.run().ran() == []
    bench.ledger.release("v:1", "upper", "elsewhere|1|1|")
    assert bench.run().ran() == ["upper", "twice"]


def test_a_claim_is_renewed_while_the_work_lasts(bench: Bench) -> None:
    working, finish = threading.Event(), threading.Event()

    def slow(work: Work) -> Page:
        working.set()
        assert finish.wait(30)
        return _page("slow")

    bench.upper = slow
    listener, queue = Listener(), Inline(Inline.Options())
    engine = Engine(
        bench.judge(), bench.ledger, bench.blobs, queue.submit, [listener], bench.folder, 0.2
    )
    worker = threading.Thread(target=engine.handle, args=(Job(video_id="v:1", stage="upper"),))
    worker.start()
    assert working.wait(30)
    threading.Event().wait(0.5)  # more than two claims' length
    assert not bench.ledger.claim("v:1", "upper", "elsewhere|1|1|", 60)
    finish.set()
    worker.join()
    assert listener.ran() == ["upper"]


def test_jobs_of_unknown_stages_and_videos_are_ignored(bench: Bench) -> None:
    listener = Listener()
    engine = bench.engine(Inline(Inline.Options()), listener)
    engine.handle(Job(video_id="v:1", stage="gone"))
    engine.handle(Job(video_id="v:9", stage="upper"))
    assert listener.events == []


def test_an_observer_that_raises_stops_nothing(bench: Bench) -> None:
    class Broken(Listener):
        def __call__(self, event: Event) -> None:
            raise RuntimeError("observer")

    queue = Inline(Inline.Options())
    engine = bench.engine(queue, Broken())
    engine.advance("v:1")
    queue.serve(engine.handle)
    assert bench.made("twice") == "/A.MP4/A.MP4"


def test_a_video_removed_while_its_stage_works_stays_removed(bench: Bench) -> None:
    def remove(work: Work) -> Page:
        bench.ledger.remove("v:1")
        return _page("late")

    bench.upper = remove
    bench.run()
    assert bench.ledger.results("v:1") == {}


def test_what_a_killed_run_left_in_scratch_goes_after_a_week(tmp_path: Path) -> None:
    root = tmp_path / "scratch"
    for name, days in (("old", 8), ("new", 6)):
        (root / name).mkdir(parents=True)
        (root / name / "part").write_bytes(b"x")
        os.utime(root / name, (time.time() - days * 86_400,) * 2)
    work = Work("v:1", Local(tmp_path / "blobs"), {}, root, lambda _share, _note: None)
    with work.scratch() as folder:
        assert {path.name for path in root.iterdir()} == {"new", folder.name}


def test_scratch_folders_and_pictures_belong_to_one_run(bench: Bench) -> None:
    def draw(work: Work) -> Page:
        with work.scratch() as folder:
            assert list(folder.iterdir()) == []
            (folder / "part").write_bytes(b"x")
        assert not folder.exists()
        return _page(work.put_image(b"jpeg"))

    bench.upper = draw
    bench.run()
    image = bench.made("upper")
    assert bench.ledger.results("v:1")[f"image/{image}"].digest == image
    assert bench.blobs.get(image) == b"jpeg"
