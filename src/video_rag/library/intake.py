"""Taking videos in: first into the ledger, then stage after stage; several sites at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from queue import SimpleQueue

from video_rag.causes import carried
from video_rag.errors import VideoRagError
from video_rag.library.status import Wishes, merged
from video_rag.model import Job, MediaSet, Noun, Video
from video_rag.net.sites import SiteState
from video_rag.pipeline.engine import Engine
from video_rag.pipeline.results import kept, load
from video_rag.pipeline.tools import Tools
from video_rag.queues import Queue
from video_rag.settings import Settings
from video_rag.stores import Blobs, Ledger
from video_rag.stores.agenda import Seen
from video_rag.stores.media import own

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Given:
    """A video that was put into the library, not yet worked on."""

    video_id: str
    is_new: bool
    is_stale: bool = True
    """Whether there is anything to do."""
    same_as: str = ""
    """The path under which the same file was added before."""


@dataclass
class _Lane:
    """The videos whose files one site has."""

    width: int
    waiting: deque[str] = field(default_factory=deque)
    running: int = 0


class Intake:
    """Puts videos into the ledger and works on them; killed anywhere, the next one goes on."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        blobs: Blobs,
        engine: Engine,
        queue: Queue,
        tools: Tools,
        held_at: Callable[[str], Video | None],
    ) -> None:
        self.settings = settings
        self._ledger = ledger
        self._blobs = blobs
        self._engine = engine
        self._queue = queue
        self._sources = tools.sources
        self._held_at = held_at
        self._media = tools.media
        self._host = settings.pipeline.machine
        self.left: dict[str, tuple[SiteState, int]] = {}
        """Sites that `process` left alone, and how many videos wait for each; whoever begins a
        pass empties it."""

    def give(self, found: Video, wishes: Wishes) -> Given:
        """Put a video into the library, or what is new about one that is there."""
        seen = self._ledger.agenda.see(found.video_id) or Seen(found.video_id, 0, {}, {})
        results = seen.results
        old = load(self._blobs, results["video"], Video) if "video" in results else None
        default = self.settings.library.collection
        video = merged(found, old, wishes, default, lambda url: self._holds(url, found))
        if video != old:
            given: Mapping[str, Noun] = {
                "video": video,
                "origins": video.origins,
                "talk": video.talk,
            }
            made_from = {"origins": video.source}
            rows = {
                name: kept(self._blobs, name, noun, made_from.get(name, ""))
                for name, noun in given.items()
            }
            seen = replace(seen, host=self._host)  # its files are looked for where it was given
            verdict = self._engine.judge.after(seen, "give", rows)
            self._ledger.commit(video.video_id, "give", rows, verdict=verdict, host=self._host)
        is_stale = video != old or bool(self._engine.plan.stale(results))
        same_as = video.url if video.url != found.url else ""
        return Given(video.video_id, old is None, is_stale, same_as)

    def _holds(self, url: str, video: Video) -> bool:
        """Whether a path of this machine still has the bytes of a video."""
        held = self._held_at(url)
        return held is not None and held.video_id == video.video_id

    def forgive_passing(self, video_id: str) -> None:
        """Who adds again wants to try again, unless the video itself was at fault."""
        failures = self._ledger.failures(video_id).values()
        passing = {"Unavailable", "DiskError", "Bug"}
        if any(failure.error in passing for failure in failures):
            self._ledger.forgive(video_id)

    def unfinished(self) -> list[str]:
        """The videos that can be worked on now, in the order they were added."""
        self._engine.judge.catch_up()
        return self._ledger.agenda.due()

    def process(self, video_ids: Iterable[str]) -> Iterator[str]:
        """Work on many videos; each is given when nothing more can be done for it now.

        Files of different sites are fetched at the same time, a few videos ahead of the other
        stages, which take one video after another. A site that cools down is left alone: see
        `left`.
        """
        lanes, here = ({}, list(video_ids)) if self._queue.is_shared else self._sorted(video_ids)
        for video_id in here:
            self.work(video_id)
            yield video_id
        fetched: SimpleQueue[tuple[str, str, VideoRagError | None]] = SimpleQueue()
        while any(lane.waiting or lane.running for lane in lanes.values()):
            self._start(lanes, fetched)
            if not any(lane.running for lane in lanes.values()):
                continue
            site, video_id, error = fetched.get()
            lanes[site].running -= 1
            if error is not None:
                raise error
            self._start(lanes, fetched)
            self.work(video_id)
            yield video_id

    def work(self, video_id: str) -> None:
        """Run what can be run; wait for stages that another process holds.

        Where others share the queue it is handed over to them, and this returns at once.
        """
        if self._queue.is_shared:
            self._engine.advance(video_id)
            return
        while self._engine.advance(video_id):
            self._queue.serve(self._engine.handle, until_idle=True)
            if not any(claimed == video_id for claimed, _stage in self._ledger.claimed()):
                break
            time.sleep(POLL_SECONDS)
        if not self.settings.library.keep_media:
            self.drop_media(video_id)

    def drop_media(self, video_id: str) -> int:
        """Delete the downloaded picture and sound of a finished video; returns the bytes freed.

        Its subtitles, document and slides stay. A stage that needs the file later fetches it again.
        """
        results = self._ledger.results(video_id)
        if "media" not in results or self._engine.plan.stale(results):
            return 0
        files = own(load(self._blobs, results["media"], MediaSet).files)
        return self._media.drop([one.path for one in files if one.kind in {"video", "audio"}])

    def _sorted(self, video_ids: Iterable[str]) -> tuple[dict[str, _Lane], list[str]]:
        """The videos to be fetched, by site, and those that need no site."""
        lanes: dict[str, _Lane] = {}
        here: list[str] = []
        for video_id in dict.fromkeys(video_ids):
            seen = self._ledger.agenda.see(video_id)
            if seen is None or "fetch" not in self._engine.ready(seen):
                here.append(video_id)
                continue
            video = load(self._blobs, seen.results["video"], Video)
            lane = self._sources[video.source].lane(video)
            if lane.site:
                lanes.setdefault(lane.site, _Lane(lane.width)).waiting.append(video_id)
            else:
                here.append(video_id)
        return lanes, here

    def _start(
        self,
        lanes: Mapping[str, _Lane],
        fetched: SimpleQueue[tuple[str, str, VideoRagError | None]],
    ) -> None:
        """Begin as many downloads as may run; a site that cools down gives up its turn."""
        most = self.settings.pipeline.downloads
        if not self.settings.library.keep_media and self.settings.library.media_bytes:
            most = 1  # what is fetched ahead would take the room of what is being worked on
        for site, lane in lanes.items():
            while lane.waiting and lane.running < lane.width:
                if sum(one.running for one in lanes.values()) >= most:
                    return
                state = self._ledger.sites.site(site)
                if state.is_cooling(self._ledger.now()):
                    earlier = self.left[site][1] if site in self.left else 0
                    self.left[site] = state, earlier + len(lane.waiting)
                    lane.waiting.clear()
                    break
                lane.running += 1
                _in_background(self._fetch, site, lane.waiting.popleft(), fetched)

    def _fetch(self, video_id: str) -> None:
        self._engine.handle(Job(video_id=video_id, stage="fetch"))


def _in_background(
    fetch: Callable[[str], None],
    site: str,
    video_id: str,
    fetched: SimpleQueue[tuple[str, str, VideoRagError | None]],
) -> None:
    """Fetch in a thread that does not keep the process alive: being stopped is harmless."""

    def run() -> None:
        problem: VideoRagError | None = None
        try:
            fetch(video_id)
        except VideoRagError as error:  # the ledger's own; those of stages are kept there
            problem = error
        finally:
            fetched.put((site, video_id, problem))

    threading.Thread(target=carried(run), name=f"fetch {video_id}", daemon=True).start()
