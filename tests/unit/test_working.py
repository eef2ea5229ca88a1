"""What a worker's process does with a job, on a real ledger; and what a machine is given to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from talks import SHEEP, write_talk
from video_rag.errors import NotFound, UsageError
from video_rag.library import Library, Wishes
from video_rag.library.working import GIGABYTE
from video_rag.model import Job, Video
from video_rag.observers import Event, StageDone
from video_rag.operations import wishes, workers
from video_rag.operations.desk import Desk
from video_rag.plugins import Options
from video_rag.queues import Depth, Handle
from video_rag.settings import load_settings
from video_rag.stores.owner import me
from video_rag.stores.requests import OPEN


class Mailbox:
    """A shared queue of one process: what is submitted lies here until somebody handles it."""

    version = 1
    options = Options()
    is_shared = True

    def __init__(self) -> None:
        self.sent: list[tuple[Job, str, bool]] = []

    def submit(self, job: Job, route: str = "cpu", *, is_urgent: bool = False) -> None:
        self.sent.append((job, route, is_urgent))

    def serve(
        self,
        handle: Handle,
        routes: Sequence[str] = (),
        concurrency: int = 1,
        *,
        until_idle: bool = False,
        stopping: threading.Event | None = None,
    ) -> None:
        while self.sent:
            handle(self.sent.pop(0)[0])

    def depth(self, routes: Iterable[str]) -> Mapping[str, Depth]:
        waiting = [route for _job, route, _is_urgent in self.sent]
        return {route: Depth(waiting.count(route)) for route in routes}


class Listener:
    version = 1
    options = Options()

    def __init__(self) -> None:
        self.ran: list[str] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, StageDone):
            self.ran.append(event.stage)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setenv("VIDEO_RAG_PIPELINE__TRANSCRIBERS", "subtitles")
    monkeypatch.setenv("VIDEO_RAG_PIPELINE__HOST", "here")
    write_talk(tmp_path / "talk.srt", SHEEP)
    found = Library(load_settings())
    found._shelf.queue = Mailbox()
    found.intake._queue = found.queue
    yield found
    found.close()


def _mailbox(library: Library) -> Mailbox:
    assert isinstance(library.queue, Mailbox)
    return library.queue


def test_a_request_that_workers_have_ends_when_they_are_done(
    library: Library, tmp_path: Path
) -> None:
    desk, mailbox = Desk(library), _mailbox(library)
    asked = wishes.add([str(tmp_path / "talk.srt")], Wishes(), "test")
    items = list(desk.at_once(asked))
    assert [item.status.state for item in items if hasattr(item, "status")] == ["queued"]
    get = library.ledger.requests.get
    assert get(asked.request_id).state == "working"
    assert mailbox.sent == [(mailbox.sent[0][0], "net", True)], "a person waits for it"
    list(desk.work())
    assert get(asked.request_id).state == "working", "nobody did it yet"
    working = library.working(8 * GIGABYTE)
    mailbox.serve(working.handle)
    items = list(desk.perform(asked.request_id))
    ended = get(asked.request_id)
    assert (ended.state, ended.failures, ended.attempts) == ("done", (), 1)
    assert len(items) == len(ended.video_ids) == 1
    assert list(desk.perform(asked.request_id)) == []


def test_a_request_that_workers_have_can_be_taken_back(library: Library, tmp_path: Path) -> None:
    desk = Desk(library)
    asked = wishes.add([str(tmp_path / "talk.srt")], Wishes(), "test")
    list(desk.at_once(asked))
    library.ledger.requests.cancel(asked.request_id)
    list(desk.work())
    assert library.ledger.requests.get(asked.request_id).state == "cancelled"
    library.ledger.requests.again(asked.request_id)
    list(desk.work())
    assert library.ledger.requests.get(asked.request_id).state in OPEN


def test_what_fails_with_the_workers_fails_the_request(library: Library, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"no film at all" * 100)
    desk = Desk(library)
    asked = wishes.add([str(tmp_path / "empty.mp4"), str(tmp_path / "gone.mp4")], Wishes(), "test")
    list(desk.at_once(asked))
    _mailbox(library).serve(library.working(GIGABYTE).handle)
    list(desk.work())
    ended = library.ledger.requests.get(asked.request_id)
    assert ended.state == "failed"
    assert len(ended.failures) == len({one.message for one in ended.failures}) >= 1


def test_the_progress_of_a_stage_elsewhere_shows_on_the_request(
    library: Library, tmp_path: Path
) -> None:
    desk = Desk(library)
    asked = wishes.add([str(tmp_path / "talk.srt")], Wishes(), "test")
    list(desk.at_once(asked))
    (video_id,) = library.ledger.requests.get(asked.request_id).video_ids
    assert library.ledger.claim(video_id, "fetch", "elsewhere|1|1|1|1", 60)
    library.ledger.agenda.report(video_id, "fetch", "elsewhere|1|1|1|1", 0.25, "a quarter")
    list(desk.work())
    progress = library.ledger.requests.get(asked.request_id).progress
    assert (progress.video_id, progress.stage, progress.share) == (video_id, "fetch", 0.25)
    assert progress.note == "a quarter"


def test_a_message_brought_three_times_is_done_once(library: Library, tmp_path: Path) -> None:
    listener = Listener()
    library.listen(listener)
    list(library.add([str(tmp_path / "talk.srt")]))
    mailbox, working = _mailbox(library), library.working(GIGABYTE)
    while mailbox.sent:
        job = mailbox.sent.pop(0)[0]
        for _ in range(3):
            working.handle(job)
    assert len(listener.ran) == len(set(listener.ran)) >= 5
    assert [status.state for status in library.videos()] == ["ready"]


def test_what_got_lost_is_handed_over_again_but_not_while_its_route_has_messages(
    library: Library, tmp_path: Path
) -> None:
    mailbox = _mailbox(library)
    list(library.add([str(tmp_path / "talk.srt")]))
    assert len(mailbox.sent) == 1
    list(library.finish())
    assert len(mailbox.sent) == 1, "it was sent just now"
    _sent_before(library, 90)
    list(library.finish())
    assert len(mailbox.sent) == 1, "its message may still be there"
    mailbox.sent.clear()
    list(library.finish())
    assert len(mailbox.sent) == 1, "it was lost"
    _sent_before(library, 3600)
    list(library.finish())
    assert len(mailbox.sent) == 2, "a route may always have messages"


def _sent_before(library: Library, seconds: int) -> None:
    import sqlite3

    db = sqlite3.connect(library.settings.home / "library.db")
    db.execute("update due set sent = sent - ?", (seconds,))
    db.commit()
    db.close()


def test_a_stage_that_is_unknown_here_is_refused(library: Library) -> None:
    with pytest.raises(NotFound, match="dance"):
        library.working(GIGABYTE).handle(Job(video_id="v:1", stage="dance"))


def test_a_removed_videos_message_does_nothing(library: Library, tmp_path: Path) -> None:
    mailbox = _mailbox(library)
    (added,) = library.add([str(tmp_path / "talk.srt")])
    assert added.status
    library.remove(added.status.video.video_id)
    listener = Listener()
    library.listen(listener)
    mailbox.serve(library.working(GIGABYTE).handle)
    assert listener.ran == []
    assert library.videos() == []


def test_a_running_stage_is_told_when_its_video_is_removed(
    library: Library, tmp_path: Path
) -> None:
    (added,) = library.add([str(tmp_path / "talk.srt")])
    assert added.status
    video_id, agenda = added.status.video.video_id, library.ledger.agenda
    assert library.ledger.claim(video_id, "fetch", me(), 60)
    assert agenda.report(video_id, "fetch", me(), 0.5, "")
    library.ledger.leave(video_id)
    assert not agenda.report(video_id, "fetch", me(), 0.6, "")


def test_a_fetch_whose_site_has_no_room_goes_to_the_end_of_the_queue(library: Library) -> None:
    video = Video(video_id="site:1", source="ytdlp", url="https://example.com/v/1", title="One")
    library.intake.give(video, Wishes())
    lane = library._shelf.sources["ytdlp"].lane(video)
    for number in range(lane.width):
        assert library.ledger.claim(f"site:{lane.site}", f"slot {number}", "other|1|1|1|1", 60)
    listener, mailbox = Listener(), _mailbox(library)
    library.listen(listener)
    library.working(GIGABYTE).handle(Job(video_id="site:1", stage="fetch"))
    assert mailbox.sent == [(Job(video_id="site:1", stage="fetch"), "net", False)]
    assert library.ledger.failures("site:1") == {}


def test_recognition_and_reading_wait_for_memory_and_small_stages_do_not(library: Library) -> None:
    working = library.working(4 * GIGABYTE)
    order: list[str] = []

    def other() -> None:
        with working._memory_for("read"):
            order.append("read")

    with working._memory_for("listen"):
        with working._memory_for("compose"):
            order.append("compose")
        waiting = threading.Thread(target=other)
        waiting.start()
        time.sleep(0.7)
        order.append("listened")
    waiting.join(20)
    assert order == ["compose", "listened", "read"]
    with library.working(GIGABYTE)._memory_for("listen"):
        order.append("alone")  # more than there is: then nothing else beside it
    assert order[-1] == "alone"


def test_a_machine_is_given_processes_by_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEO_RAG_PIPELINE__HOST", "here")
    settings = load_settings()
    net, cpu, gpu = workers.plan(settings, ["net", "cpu", "gpu"], 3)
    assert (net.processes, net.threads) == (1, settings.pipeline.downloads)
    assert (cpu.routes, cpu.processes, cpu.threads) == (("cpu", "at.here"), 3, 1)
    assert (gpu.routes, gpu.processes) == (("gpu",), 1)
    assert workers.plan(settings, ["cpu"], None)[0].processes >= 1
    assert workers.memory_of(settings) > 0
    with pytest.raises(UsageError, match="cup"):
        workers.check_lanes("net,cup")
