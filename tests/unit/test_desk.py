"""Requests: kept before anybody is told, worked on by whoever comes, once."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from talks import SHEEP, STARS, write_talk
from video_rag.errors import Conflict, NotFound, UsageError
from video_rag.library import Added, Library, Wishes
from video_rag.operations import wishes
from video_rag.operations.desk import MOST_ATTEMPTS, Desk
from video_rag.settings import load_settings
from video_rag.stores.requests import Request, Requested


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(load_settings({"home": str(tmp_path / "home")}, env={}))
    yield opened
    opened.close()


@pytest.fixture
def talks(tmp_path: Path) -> list[Path]:
    return [
        write_talk(tmp_path / "sheep.srt", SHEEP),
        write_talk(tmp_path / "stars.srt", STARS),
    ]


def asked(library: Library, talks: list[Path], once: str = "") -> Request:
    request = wishes.add([str(talk) for talk in talks], Wishes(collection="animals"), "test")
    return wishes.submit(library, request, once)


def test_what_is_asked_for_waits_until_somebody_works(library: Library, talks: list[Path]) -> None:
    request = asked(library, talks)
    requests = library.ledger.requests
    assert requests.get(request.request_id) == request
    assert (request.state, request.about) == ("queued", f"{talks[0]}, {talks[1]}")

    items = list(Desk(library).work())

    assert [item.status.state for _, item in items if isinstance(item, Added) and item.status] == [
        "ready",
        "ready",
    ]
    done = requests.get(request.request_id)
    assert (done.state, done.failures, done.attempts) == ("done", (), 1)
    assert len(done.video_ids) == 2
    assert done.asked <= (done.begun or 0) <= (done.ended or 0)
    assert done.progress.stage
    assert [status.video.collection for status in library.videos()] == ["animals", "animals"]
    assert list(Desk(library).work()) == []


def test_paths_are_kept_as_any_process_finds_them(
    library: Library, talks: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    request = wishes.add(["sheep.srt", "none.srt", "https://a.example/x"], Wishes(), "test")
    assert request.wish["urls"] == [str(talks[0]), "none.srt", "https://a.example/x"]


def test_the_same_key_is_the_same_request(library: Library, talks: list[Path]) -> None:
    first = asked(library, talks, once="k1")
    assert asked(library, talks, once="k1").request_id == first.request_id
    assert asked(library, talks).request_id != first.request_id
    with pytest.raises(Conflict, match="something else"):
        asked(library, talks[:1], once="k1")
    list(Desk(library).work())
    assert asked(library, talks, once="k1").state == "done"


def test_what_cannot_be_is_told_with_the_request(library: Library, tmp_path: Path) -> None:
    (tmp_path / "bad.srt").write_text("no cues here")
    request = asked(library, [tmp_path / "missing.srt", tmp_path / "bad.srt"])
    list(Desk(library).work())
    done = library.ledger.requests.get(request.request_id)
    assert done.state == "failed"
    assert [one.error for one in done.failures] == ["NotFound", "ContentError"]
    assert "missing.srt" in done.failures[0].message
    assert done.failures[1].about == done.video_ids[0]


def test_an_error_of_the_whole_is_kept_and_raised(library: Library, talks: list[Path]) -> None:
    wish = wishes.add([str(talk) for talk in talks], Wishes(title="One"), "test")
    request = wishes.submit(library, wish)
    with pytest.raises(UsageError, match="one video"):
        list(Desk(library).perform(request.request_id))
    done = library.ledger.requests.get(request.request_id)
    assert (done.state, [one.error for one in done.failures]) == ("failed", ["UsageError"])


def test_a_cancelled_one_ends_before_its_next_video(library: Library, talks: list[Path]) -> None:
    request, other = asked(library, talks), asked(library, talks[1:])
    desk, requests = Desk(library), library.ledger.requests
    requests.cancel(other.request_id)
    for _ in desk.perform(request.request_id):
        assert requests.cancel(request.request_id).is_unwanted
    list(desk.work())
    ended = requests.page(Requested())
    assert [(one.state, len(one.video_ids)) for one in ended] == [
        ("cancelled", 0),
        ("cancelled", 1),
    ]
    assert requests.cancel(request.request_id).state == "cancelled"
    assert [status.state for status in library.videos()] == ["ready", "queued"]


def test_one_that_was_left_is_begun_again(library: Library, talks: list[Path]) -> None:
    request = asked(library, talks)
    desk, requests = Desk(library), library.ledger.requests
    left = desk.perform(request.request_id)
    next(left)
    assert requests.get(request.request_id).state == "working"
    left.close()
    assert requests.get(request.request_id).state == "queued"
    assert requests.get(request.request_id).attempts == 0
    list(desk.work())
    assert requests.get(request.request_id).state == "done"


def begin_and_die(home: str, request_id: str) -> None:
    library = Library(load_settings({"home": home}, env={}))
    for _ in Desk(library).perform(request_id):
        os.kill(os.getpid(), signal.SIGKILL)


def test_one_whose_process_was_killed_goes_to_the_next(
    library: Library, talks: list[Path], tmp_path: Path
) -> None:
    request = asked(library, talks)
    requests = library.ledger.requests
    spawn = multiprocessing.get_context("spawn")
    dead = spawn.Process(target=begin_and_die, args=(str(tmp_path / "home"), request.request_id))
    dead.start()
    dead.join()
    assert dead.exitcode == -signal.SIGKILL
    left = requests.get(request.request_id)
    assert (left.state, left.attempts) == ("working", 1)
    list(Desk(library).work())
    done = requests.get(request.request_id)
    assert (done.state, done.attempts, len(done.video_ids)) == ("done", 2, 2)


@pytest.mark.parametrize("is_mine", [True, False])
def test_who_asked_takes_it_back_by_ctrl_c_and_nobody_else(
    library: Library, talks: list[Path], monkeypatch: pytest.MonkeyPatch, *, is_mine: bool
) -> None:
    desk, requests = Desk(library), library.ledger.requests
    request = wishes.add([str(talk) for talk in talks], Wishes(), "add")

    def stopped(*_given: object) -> Iterator[Added]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(library, "add", stopped)
    if not is_mine:
        wishes.submit(library, request)
    with pytest.raises(KeyboardInterrupt):
        list(desk.at_once(request) if is_mine else desk.perform(request.request_id))
    left = requests.get(request.request_id)
    assert (left.state, left.attempts) == (("cancelled", 1) if is_mine else ("queued", 0))


def test_a_process_that_ends_in_good_order_is_not_counted(
    library: Library, talks: list[Path]
) -> None:
    request = asked(library, talks)
    desk, requests = Desk(library), library.ledger.requests
    begun = desk.perform(request.request_id)
    next(begun)
    desk.leave()  # while a stage goes on in another thread
    left = requests.get(request.request_id)
    assert (left.state, left.attempts) == ("queued", 0)
    assert len(list(begun)) == 0  # what it brings then changes nothing
    assert requests.get(request.request_id) == left
    list(desk.work())
    assert requests.get(request.request_id).state == "done"


def test_one_that_ends_every_process_is_given_up(library: Library, talks: list[Path]) -> None:
    request = asked(library, talks)
    requests = library.ledger.requests
    requests.keep(replace(request, state="working", attempts=MOST_ATTEMPTS))
    assert [item for _, item in Desk(library).work()] == [None]
    done = requests.get(request.request_id)
    assert done.state == "failed"
    assert f"{MOST_ATTEMPTS} processes" in done.failures[0].message
    assert requests.again(request.request_id).attempts == 0
    list(Desk(library).work())
    assert requests.get(request.request_id).state == "done"


def test_one_in_other_hands_is_left_alone(library: Library, talks: list[Path]) -> None:
    request = asked(library, talks)
    begun = Desk(library).perform(request.request_id)
    next(begun)
    other = Library(library.settings)
    assert not other.ledger.claim(request.request_id, "request", "elsewhere|1|1|1", 5.0)
    other.close()
    begun.close()


def test_bugs_end_the_request_and_say_so(
    library: Library, talks: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(library, talks)

    def broken(*_given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(library, "add", broken)
    with pytest.raises(ZeroDivisionError):
        list(Desk(library).perform(request.request_id))
    done = library.ledger.requests.get(request.request_id)
    assert (done.state, [one.error for one in done.failures]) == ("failed", ["Bug"])


@pytest.mark.parametrize("kind", ["retry", "export", "check", "publish"])
def test_each_kind_is_done(library: Library, talks: list[Path], tmp_path: Path, kind: str) -> None:
    asked(library, talks)
    desk = Desk(library)
    list(desk.work())
    [first, second] = [status.video.video_id for status in library.videos()]
    made = {
        "retry": wishes.retry([first], "test"),
        "export": wishes.export([], "vtt", str(tmp_path / "out"), "test"),
        "check": wishes.check([], "test"),
        "publish": wishes.publish("embedded", [second], "test"),
    }
    request = wishes.submit(library, made[kind])
    items = list(desk.work())
    done = library.ledger.requests.get(request.request_id)
    assert (done.state, done.failures) == ("done", ())
    assert len(items) == 1 + {"retry": 1, "export": 2, "check": 0, "publish": 1}[kind]
    if kind == "export":
        assert len(list((tmp_path / "out").iterdir())) == 2


def test_old_ones_are_forgotten_and_open_ones_never(library: Library, talks: list[Path]) -> None:
    requests = library.ledger.requests
    ended = [asked(library, talks[:1]) for _ in range(4)]
    for one in ended:
        requests.keep(replace(one, state="done"))
    waiting = asked(library, talks)
    assert requests.tidy(2) == 2
    assert [one.request_id for one in requests.page(Requested())] == [
        waiting.request_id,
        ended[3].request_id,
        ended[2].request_id,
    ]
    assert requests.page(Requested(limit=1, before=waiting.request_id))[0] == replace(
        ended[3], state="done"
    )
    assert requests.page(Requested(states=frozenset({"queued"}))) == [waiting]
    with pytest.raises(NotFound, match="no such request"):
        requests.get(ended[0].request_id)


def test_a_secret_in_an_address_is_kept_for_fetching_and_shown_to_nobody(
    library: Library,
) -> None:
    url = "https://a.example/x.mp4?token=zX81mQw02KfTr63L"
    request = wishes.submit(library, wishes.add([url], Wishes(), "test"))
    assert "zX81mQ" not in request.about
    kept = library.ledger.requests.get(request.request_id)
    assert kept.wish["urls"] == [url]
