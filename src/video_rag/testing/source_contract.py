"""What every source must do: subclass `SourceTests` and give it a `place` fixture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from video_rag import digest
from video_rag.errors import VideoRagError
from video_rag.model import MediaSet, Video
from video_rag.sources import Lane, Source


@dataclass(frozen=True)
class Place:
    """A source, and something for it to find."""

    source: Source
    media: Path
    """The folder that the source may download to: `Places.media`."""
    url: str
    """A path or URL with at least two videos behind it."""
    nothing: str
    """One that the source claims, with nothing behind it."""
    foreign: tuple[str, ...]
    """Some that are for other sources."""
    reads: Callable[[], int]
    """How much was asked of the place so far: requests, or 0 where nothing is downloaded."""


def found(place: Place) -> list[Video]:
    """The videos of a place."""
    return [video for video in place.source.discover(place.url) if isinstance(video, Video)]


def fetched(place: Place, video: Video, scratch: Path) -> MediaSet:
    """The files of a video, with an empty folder to work in."""
    scratch.mkdir(parents=True)
    return place.source.fetch(video, scratch)


class SourceTests:
    """The contract of `sources.Source`."""

    def test_it_claims_its_own_and_no_others(self, place: Place) -> None:
        """Without looking whether there is something."""
        asked = place.reads()
        assert place.source.claims(place.url)
        assert place.source.claims(place.nothing)
        assert [url for url in place.foreign if place.source.claims(url)] == []
        assert not place.source.claims("")
        assert place.reads() == asked

    def test_videos_come_in_a_stable_order_each_once(self, place: Place) -> None:
        """Every id names the kind of place first, and the source is named by its plug-in."""
        first, second = found(place), found(place)
        assert first == second
        assert len(first) >= 2
        assert len({video.video_id for video in first}) == len(first)
        assert len({video.source for video in first}) == 1
        for video in first:
            site, colon, native = video.video_id.partition(":")
            assert (site and native and colon) == ":"
            assert video.title
            assert video.url

    def test_a_place_with_nothing_is_an_error_with_a_way_out(self, place: Place) -> None:
        """Raised at the latest when the first video is asked for."""
        with pytest.raises(VideoRagError) as caught:
            list(place.source.discover(place.nothing))
        assert caught.value.hint

    def test_each_video_stands_for_itself(self, place: Place) -> None:
        """A video that is no series has itself as its only part."""
        for video in found(place):
            assert list(place.source.parts(video)) == [video]

    def test_what_is_fetched_is_as_it_says(self, place: Place, tmp_path: Path) -> None:
        """Every file is here, with its size and digest; the scratch folder may go."""
        for number, video in enumerate(found(place)):
            media = fetched(place, video, tmp_path / f"scratch-{number}")
            assert media.files
            for file in media.files:
                path = place.media / file.path
                assert path.stat().st_size == file.size
                assert digest.of_file(path) == file.digest

    def test_fetching_again_asks_for_nothing(self, place: Place, tmp_path: Path) -> None:
        """It gives the same, and leaves no more files than before."""
        [video, *_] = found(place)
        first = fetched(place, video, tmp_path / "first")
        asked, files = place.reads(), _files(place.media)
        assert fetched(place, video, tmp_path / "second") == first
        assert (place.reads(), _files(place.media)) == (asked, files)

    def test_videos_do_not_share_a_folder(self, place: Place, tmp_path: Path) -> None:
        """What is downloaded of one can be deleted without a look at the others."""
        folders = [
            {(place.media / file.path).parent for file in media.files if _is_ours(place, file.path)}
            for media in (
                fetched(place, video, tmp_path / f"scratch-{number}")
                for number, video in enumerate(found(place))
            )
        ]
        assert len(set().union(*folders)) == sum(map(len, folders))

    def test_discarding_leaves_the_files_of_others(self, place: Place, tmp_path: Path) -> None:
        """And is harmless for what was never fetched; afterwards it can be fetched again."""
        one, other, *_ = found(place)
        place.source.discard(one)
        first = fetched(place, one, tmp_path / "one")
        kept = fetched(place, other, tmp_path / "other")
        place.source.discard(one)
        place.source.discard(one)
        for file in kept.files:
            assert (place.media / file.path).is_file()
        for file in first.files:
            assert (place.media / file.path).exists() != _is_ours(place, file.path)
        assert fetched(place, one, tmp_path / "again") == first

    def test_the_lane_is_known_without_asking(self, place: Place) -> None:
        """The same for all videos of one site; one at least may ask it."""
        videos = found(place)
        asked = place.reads()
        lanes = [place.source.lane(video) for video in videos]
        assert place.reads() == asked
        for lane in lanes:
            assert isinstance(lane, Lane)
            assert lane.width >= 1
        assert len(set(lanes)) == 1

    def test_a_link_opens_the_video_at_the_second(self, place: Place) -> None:
        """Links to two places of one video differ where the site has a way to say so."""
        for video in found(place):
            link = place.source.link(video, 83.0)
            assert link
            assert "83" in link or link == place.source.link(video, 5.0)
            assert place.source.link(video, -1.0)


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def _is_ours(place: Place, path: str) -> bool:
    """Whether a file was downloaded, and is not its owner's."""
    return not Path(path).is_absolute() or Path(path).is_relative_to(place.media)
