"""tick: whatever is due goes on, and nothing else is looked at. Clocks and functions call it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field

from video_rag.library import Added, Library, Status
from video_rag.library.watching.watch import Checked
from video_rag.operations.codes import of_error, worst
from video_rag.operations.desk import Desk, Item
from video_rag.operations.rows import Row, failure_rows, request_row
from video_rag.settings.redaction import redact, redact_urls
from video_rag.stores.requests import OPEN, Request
from video_rag.text.addresses import public

Result = Request | Checked | Status | Item
"""What comes of a tick, piece by piece."""


@dataclass
class Ticked:
    """What one tick did."""

    requests: list[Request] = field(default_factory=list)
    """Those that ended."""
    checks: list[Checked] = field(default_factory=list)
    """The lists that were looked at."""
    worked: list[Status] = field(default_factory=list)
    """The videos that were worked on, or handed over, as they are now."""
    left: dict[str, int] = field(default_factory=dict)
    """How many videos wait for each site that is left alone for now."""
    is_elsewhere: bool = False
    """Whether nothing was done, as another tick is at work."""
    is_cut_short: bool = False
    """Whether it was ended before all was done; the next one goes on."""

    def take(self, item: Result) -> None:
        """Remember one piece."""
        if isinstance(item, Request):
            self.requests.append(item)
        elif isinstance(item, Checked):
            self.checks.append(item)
        elif isinstance(item, Status):
            self.worked.append(item)
        elif isinstance(item, Added) and item.status:
            self.worked.append(item.status)

    @property
    def states(self) -> Counter[str]:
        """How many videos are in each state."""
        return Counter({one.video.video_id: one.state for one in self.worked}.values())

    @property
    def new(self) -> int:
        """Videos that lists have and the library had not."""
        return sum(len(check.of("new")) for check in self.checks)

    @property
    def code(self) -> int:
        """0, or what `run` says by its exit code."""
        codes = [of_error(one.error) for status in self.worked for one in status.failures]
        codes += [of_error(one.error) for asked in self.requests for one in asked.failures]
        codes += [check.error.exit_code for check in self.checks if check.error]
        return worst([*codes, *([4] if self.left else [])])

    @property
    def is_idle(self) -> bool:
        """Whether nothing was due."""
        return not (self.requests or self.checks or self.worked or self.left or self.is_elsewhere)

    @property
    def row(self) -> Row:
        """The same for programs."""
        failures = [
            {"video_id": status.video.video_id, **row}
            for status in self.worked
            for row in failure_rows(status)
        ]
        lists = [
            {
                "url": public(check.subscription.url),
                "message": redact(str(check.error)),
                "hint": redact_urls(check.error.hint),
            }
            for check in self.checks
            if check.error
        ]
        return {
            "requests": [request_row(request) for request in self.requests],
            "checked": len(self.checks),
            "new": self.new,
            "videos": dict(sorted(self.states.items())),
            "left": self.left,
            "failures": [*failures, *lists],
            "is_elsewhere": self.is_elsewhere,
            "is_cut_short": self.is_cut_short,
            "code": self.code,
        }

    def __str__(self) -> str:
        """One line for people."""
        if self.is_elsewhere:
            return "another tick is at work"
        parts = []
        if self.requests:
            parts.append(f"requests: {_counted(Counter(one.state for one in self.requests))}")
        if self.checks:
            lists = "1 list" if len(self.checks) == 1 else f"{len(self.checks)} lists"
            parts.append(f"{lists} looked at, {self.new} new")
        if self.worked:
            parts.append(f"videos: {_counted(self.states)}")
        parts += [f"{many} wait for {site}" for site, many in self.left.items()]
        if self.is_cut_short:
            parts.append("the rest is left for the next tick")
        return "; ".join(parts) or "nothing is due"


def tick(
    library: Library,
    *,
    works: bool = True,
    is_over: Callable[[], bool] = lambda: False,
    desk: Desk | None = None,
) -> Ticked:
    """Take up what was asked for, look at lists that are due, advance what is unfinished.

    Of several at once one works. It ends early when `is_over` says so: what is left stays due.
    Where it must not work (`works` false), requests are left to others, and what is due is only
    handed over, to those who share the queue.
    """
    with library.hold("tick", "pass") as is_mine:
        if not is_mine:
            return Ticked(is_elsewhere=True)
        library.ledger.agenda.lapse()
        return _ended(library, _due(library, desk or Desk(library), works=works), is_over)


def run(
    library: Library, *, is_over: Callable[[], bool] = lambda: False, desk: Desk | None = None
) -> Ticked:
    """The same for all there is, due or not: what was lost on the disk is made again, too."""
    return _ended(library, _all(library, desk or Desk(library)), is_over)


def _ended(
    library: Library, items: Generator[Result, None, None], is_over: Callable[[], bool]
) -> Ticked:
    """What came of these, up to the end or until it is over."""
    ticked = Ticked()
    with closing(items):
        for item in items:
            ticked.take(item)
            if is_over():
                ticked.is_cut_short = True
                break
    ticked.left = {site: many for site, (_, many) in library.intake.left.items()}
    return ticked


def _all(library: Library, desk: Desk) -> Generator[Result, None, None]:
    yield from _asked(library, desk)
    yield from library.run()


def _due(library: Library, desk: Desk, *, works: bool) -> Generator[Result, None, None]:
    """Does all that is due, piece by piece."""
    if works:
        yield from _asked(library, desk)
    yield from library.watch.check()
    if works or library.is_shared:
        yield from library.finish()


def _asked(library: Library, desk: Desk) -> Generator[Result, None, None]:
    """What was asked for: what comes of it, and each request that ended."""
    for request, item in desk.work():
        if item is not None:
            yield item
            continue
        now = library.ledger.requests.get(request.request_id)
        if now.state not in OPEN:  # else it is in other hands
            yield now


def _counted(many: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(many.items()))
