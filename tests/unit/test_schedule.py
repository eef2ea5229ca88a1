"""The built-in clock: each time once, however many clocks there are, whatever dies."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import BadSettings, Unavailable
from video_rag.library import Library
from video_rag.operations.desk import Desk
from video_rag.operations.schedule import MOST_ATTEMPTS, Clock
from video_rag.operations.tick import Ticked
from video_rag.settings import load_settings
from video_rag.settings.schema import Settings
from video_rag.stores.slots import Slot
from video_rag.text import cron

MIDNIGHT = dt.datetime(2026, 11, 27, tzinfo=dt.UTC).timestamp()
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NEW_YORK = ZoneInfo("America/New_York")
"""Summer time began on 2026-03-08 at 2:00 and ended on 2026-11-01 at 2:00."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    schedule = {"tick": "*/5 * * * *", "run": "none", "timezone": "UTC"}
    return load_settings({"home": str(tmp_path / "home"), "schedule": schedule}, env={})


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    opened = Library(settings)
    yield opened
    opened.close()


class Acts:
    """Counts what a clock does; `then` is called in the middle of it."""

    def __init__(self, then: Callable[[], Ticked | None] = lambda: None) -> None:
        self.then = then
        self.done: list[float] = []

    def __call__(
        self, library: Library, *, is_over: Callable[[], bool], desk: Desk | None
    ) -> Ticked:
        self.done.append(library.ledger.slots.get("tick").at)  # type: ignore[union-attr]
        return self.then() or Ticked()


def clock_of(settings: Settings, acts: Acts) -> Clock:
    return Clock(lambda: Library(settings), settings.schedule, acts={"tick": acts})


def at(moment: float) -> Callable[[], float]:
    return lambda: moment


# --- times ------------------------------------------------------------------------------------


def times(text: str, after: dt.datetime, number: int, zone: dt.tzinfo) -> list[str]:
    moment, found = after.timestamp(), []
    for _ in range(number):
        moment = cron.after(text, moment, zone) or 0.0
        found.append(f"{dt.datetime.fromtimestamp(moment, zone):%m-%d %H:%M %z}")
    return found


def test_cron_is_read_on_the_clock_of_the_zone_wherever_this_machine_is() -> None:
    shanghai = cron.zone("Asia/Shanghai")
    start = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
    assert times("0 3 * * *", start, 2, shanghai) == ["11-28 03:00 +0800", "11-29 03:00 +0800"]


def test_a_night_that_skips_or_doubles_an_hour_has_one_pass() -> None:
    spring = dt.datetime(2026, 3, 7, 12, tzinfo=NEW_YORK)
    assert times("30 2 * * *", spring, 2, NEW_YORK) == ["03-08 03:00 -0400", "03-09 02:30 -0400"]
    autumn = dt.datetime(2026, 10, 31, 12, tzinfo=NEW_YORK)
    assert times("30 1 * * *", autumn, 2, NEW_YORK) == ["11-01 01:30 -0400", "11-02 01:30 -0500"]


def test_what_comes_every_few_minutes_goes_on_through_a_doubled_hour() -> None:
    start = dt.datetime(2026, 11, 1, 1, 50, tzinfo=NEW_YORK)
    found = times("*/5 * * * *", start, 13, NEW_YORK)
    assert (found[0], found[1], found[-1]) == (
        *("11-01 01:55 -0400", "11-01 01:00 -0500", "11-01 01:55 -0500"),
    )


@given(
    text=st.sampled_from(["*/5 * * * *", "0 3 * * *", "30 1-3 * * *", "15 2 * * 0", "0 0 29 2 *"]),
    moment=st.floats(1_700_000_000, 1_900_000_000),
    zone=st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe"]),
)
def test_the_next_time_is_later_in_every_zone(text: str, moment: float, zone: str) -> None:
    found = cron.after(text, moment, cron.zone(zone))
    assert found is not None
    assert found > moment


@pytest.mark.parametrize("name", ["asia/shanghai", " UTC ", "Europe/Berlin", ""])
def test_a_zone_is_known_by_its_name_however_it_is_written(name: str) -> None:
    assert cron.zone(name).utcoffset(dt.datetime(2026, 1, 1)) is not None  # noqa: DTZ001


@pytest.mark.parametrize(
    "schedule",
    [
        {"timezone": "Mars/Olympus"}, {"timezone": "../etc/passwd"}, {"timezone": "America"},
        {"timezone": "UTC+8"}, {"tick": "* * *"}, {"tick": "61 * * * *"}, {"run": "0 0 31 2 *"},
        {"run": "daily"}, {"tick": "* * * * * *"}, {"run": 3},
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_is_refused_by_its_name(schedule: dict[str, object]) -> None:
    with pytest.raises(BadSettings, match=rf"^schedule\.{next(iter(schedule))}: ") as caught:
        load_settings({"schedule": schedule}, env={})
    assert caught.value.hint


@given(text=st.text(alphabet="0123456789*/,-LW# @", max_size=20))
def test_whatever_is_set_is_a_time_or_a_bad_setting(text: str) -> None:
    with suppress(BadSettings):
        settings = load_settings({"schedule": {"tick": text}}, env={})
        assert not settings.schedule.tick or cron.after(settings.schedule.tick, 0, dt.UTC)


def test_subscriptions_follow_the_zone_of_the_schedule(settings: Settings, tmp_path: Path) -> None:
    schedule = settings.schedule.model_copy(update={"timezone": "Asia/Shanghai"})
    library = Library(settings.model_copy(update={"schedule": schedule}))
    assert str(library.watch.zone) == "Asia/Shanghai"
    library.close()


# --- once each --------------------------------------------------------------------------------


def test_a_new_clock_waits_for_its_first_time(settings: Settings) -> None:
    acts = Acts()
    clock = clock_of(settings, acts)
    assert clock.beat(at(MIDNIGHT + 1)) == []
    assert clock.beat(at(MIDNIGHT + 4 * MINUTE)) == []
    assert clock.beat(at(MIDNIGHT + 5 * MINUTE)) == ["tick"]
    assert clock.beat(at(MIDNIGHT + 6 * MINUTE)) == []
    assert clock_of(settings, acts).beat(at(MIDNIGHT + 9 * MINUTE)) == []  # started anew
    assert len(acts.done) == 1


def test_what_was_missed_is_made_up_once(settings: Settings) -> None:
    acts = Acts()
    clock_of(settings, acts).beat(at(MIDNIGHT))
    later = clock_of(settings, acts)
    assert later.beat(at(MIDNIGHT + 3 * DAY + MINUTE)) == ["tick"]
    assert later.beat(at(MIDNIGHT + 3 * DAY + 2 * MINUTE)) == []
    assert later.beat(at(MIDNIGHT + 3 * DAY + 5 * MINUTE)) == ["tick"]


def test_many_clocks_at_once_take_each_time_once(settings: Settings) -> None:
    acts = Acts()
    clocks = [clock_of(settings, acts) for _ in range(4)]
    clocks[0].beat(at(MIDNIGHT))
    for number in range(1, 6):
        moment = MIDNIGHT + number * 5 * MINUTE
        start = threading.Barrier(4)

        def beat(clock: Clock, start: threading.Barrier = start, moment: float = moment) -> None:
            start.wait()
            clock.beat(at(moment))

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(beat, clocks))
        assert len(acts.done) == number


def test_clocks_that_differ_by_minutes_take_each_time_once(settings: Settings) -> None:
    acts = Acts()
    early, late = clock_of(settings, acts), clock_of(settings, acts)
    early.beat(at(MIDNIGHT + 3 * MINUTE))
    for minute in range(60):
        early.beat(at(MIDNIGHT + (minute + 3) * MINUTE))
        late.beat(at(MIDNIGHT + minute * MINUTE))
    assert len(acts.done) == 12


def test_a_clock_that_was_a_year_ahead_stops_nothing(settings: Settings, library: Library) -> None:
    acts = Acts()
    library.ledger.slots.keep(None, Slot("tick", MIDNIGHT + 365 * DAY))
    clock = clock_of(settings, acts)
    assert clock.beat(at(MIDNIGHT)) == ["tick"]
    assert clock.beat(at(MIDNIGHT + 4 * MINUTE)) == []
    assert clock.beat(at(MIDNIGHT + 5 * MINUTE)) == ["tick"]


def test_a_clock_that_steps_back_an_hour_goes_on(settings: Settings) -> None:
    clock = clock_of(settings, acts := Acts())
    clock.beat(at(MIDNIGHT + HOUR))
    assert clock.beat(at(MIDNIGHT)) == ["tick"]
    assert clock.beat(at(MIDNIGHT + 5 * MINUTE)) == ["tick"]
    assert len(acts.done) == 2


# --- what dies and what fails -----------------------------------------------------------------

KILLED = """
import os, signal, sys
from video_rag.library import Library
from video_rag.operations.schedule import Clock
from video_rag.settings import load_settings

def die(library, *, is_over, desk):
    os.kill(os.getpid(), signal.SIGKILL)

settings = load_settings()
clock = Clock(lambda: Library(settings), settings.schedule, acts={"tick": die})
clock.beat(lambda: float(sys.argv[1]))
"""


def test_what_died_in_the_middle_is_begun_again_by_whichever_clock_is_left(
    settings: Settings, library: Library
) -> None:
    acts = Acts()
    clock = clock_of(settings, acts)
    clock.beat(at(MIDNIGHT))
    env = {**os.environ, "VIDEO_RAG_HOME": str(settings.home)}
    command = [sys.executable, "-c", KILLED, str(MIDNIGHT + 5 * MINUTE)]
    killed = subprocess.run(command, env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert clock.beat(at(MIDNIGHT + 6 * MINUTE)) == ["tick"]
    assert clock.beat(at(MIDNIGHT + 7 * MINUTE)) == []
    assert len(acts.done) == 1


def test_what_ends_every_clock_waits_for_its_next_time(
    settings: Settings, library: Library
) -> None:
    library.ledger.slots.keep(None, Slot("tick", MIDNIGHT, is_done=False, attempts=MOST_ATTEMPTS))
    clock = clock_of(settings, Acts())
    assert clock.beat(at(MIDNIGHT + MINUTE)) == []
    assert clock.beat(at(MIDNIGHT + 5 * MINUTE)) == ["tick"]


def test_a_server_that_is_away_costs_one_time_not_the_clock(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> Ticked:
        raise Unavailable("the broker is away")

    clock = clock_of(settings, acts := Acts(away))
    clock.beat(at(MIDNIGHT))
    clock.beat(at(MIDNIGHT + 5 * MINUTE))
    clock.beat(at(MIDNIGHT + 6 * MINUTE))
    clock.beat(at(MIDNIGHT + 10 * MINUTE))
    assert len(acts.done) == 2
    assert "the broker is away" in caplog.text


def test_what_was_cut_short_goes_on_with_the_next_clock(settings: Settings) -> None:
    clock = clock_of(settings, Acts(lambda: Ticked(is_cut_short=True)))
    clock.beat(at(MIDNIGHT))
    for _ in range(MOST_ATTEMPTS + 1):  # it is nobody's fault, however often
        assert clock.beat(at(MIDNIGHT + 5 * MINUTE)) == ["tick"]
    assert clock_of(settings, Acts()).beat(at(MIDNIGHT + 6 * MINUTE)) == ["tick"]
    assert clock_of(settings, Acts()).beat(at(MIDNIGHT + 7 * MINUTE)) == []


def test_the_command_says_what_comes_and_ends_when_it_is_told(settings: Settings) -> None:
    env = {
        **os.environ,
        "VIDEO_RAG_HOME": str(settings.home),
        "VIDEO_RAG_SCHEDULE__TIMEZONE": "Asia/Shanghai",
        "VIDEO_RAG_SCHEDULE__RUN": "none",
    }
    command = [sys.executable, "-m", "video_rag", "schedule"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("tick */5 * * * *, next 2")
        assert line.endswith("CST\n")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_a_clock_without_times_is_no_clock(settings: Settings) -> None:
    env = {
        **os.environ,
        "VIDEO_RAG_HOME": str(settings.home),
        "VIDEO_RAG_SCHEDULE__TICK": "none",
        "VIDEO_RAG_SCHEDULE__RUN": "none",
    }
    command = [sys.executable, "-m", "video_rag", "schedule"]
    told = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert "nothing is scheduled" in told.stderr
