"""Half downloads: they go on where that is sound, and begin anew where it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import films
from films import film, html, player, put_hls, video, ytdlp
from video_rag.errors import ContentError, VideoRagError
from video_rag.model import MediaSet
from web import Page, Site, serve

pytest.importorskip("yt_dlp")
# yt-dlp leaves a part open when one of its fragments fails
pytestmark = pytest.mark.filterwarnings("ignore:.*FileIO:pytest.PytestUnraisableExceptionWarning")

SIZE = 600_000
HALF = 300_000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serve() as running:
        running.pages["/film.mp4"] = Page(film(tmp_path, SIZE), "video/mp4", cut=HALF, etag=True)
        running.pages["/page"] = html("A talk", player("/film.mp4"))
        yield running


def fetch(site: Site, folder: Path, path: str = "/page", **facts: str) -> MediaSet:
    source = ytdlp(folder, subtitle_languages=[])
    return films.fetch(source, f"{site.url}{path}", folder, **facts)


def break_off(site: Site, folder: Path, path: str = "/page") -> Path:
    """Half a download; gives its folder."""
    with pytest.raises(VideoRagError):
        fetch(site, folder, path)
    [partial] = (folder / "media").rglob("partial")
    return partial


def mend(site: Site) -> Page:
    site.pages["/film.mp4"] = replace(site.pages["/film.mp4"], cut=None)
    site.sent.clear()
    return site.pages["/film.mp4"]


def kept(folder: Path) -> bytes:
    [path] = (folder / "media").rglob("video.mp4")
    assert not list((folder / "media").rglob("partial"))
    return path.read_bytes()


def test_a_download_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    part = break_off(site, tmp_path) / "media.mp4.part"
    length = part.stat().st_size
    page = mend(site)
    fetch(site, tmp_path)
    assert kept(tmp_path) == page.body
    assert 65_536 < length <= HALF
    assert site.sent["/film.mp4"] == SIZE - length + 65_536


def test_what_is_known_of_a_half_download_holds_no_secret(site: Site, tmp_path: Path) -> None:
    site.pages["/page"] = html("A talk", player("/film.mp4?token=s3cret"))
    partial = break_off(site, tmp_path)
    text = (partial / "partial.json").read_text()
    assert "s3cret" not in text
    assert json.loads(text)["streams"]["0"]["size"] == SIZE


@pytest.mark.parametrize("tagged", [True, False])
def test_another_file_at_the_same_address_begins_anew(
    site: Site, tmp_path: Path, tagged: bool
) -> None:
    site.pages["/film.mp4"] = replace(site.pages["/film.mp4"], etag=tagged)
    break_off(site, tmp_path)
    page = replace(mend(site), body=film(tmp_path, SIZE, seed=1))
    site.pages["/film.mp4"] = page
    fetch(site, tmp_path)
    assert kept(tmp_path) == page.body


@pytest.mark.parametrize(("tagged", "more"), [(True, b""), (False, b"\0\0\0\x08free")])
def test_a_file_with_the_same_end_but_another_tag_or_size_begins_anew(
    site: Site, tmp_path: Path, tagged: bool, more: bytes
) -> None:
    site.pages["/film.mp4"] = replace(site.pages["/film.mp4"], etag=tagged)
    part = break_off(site, tmp_path) / "media.mp4.part"
    assert part.stat().st_size > 10_001 + 65_536  # where they differ is not at the end
    page = mend(site)
    other = page.body[:10_000] + bytes([page.body[10_000] ^ 1]) + page.body[10_001:] + more
    site.pages["/film.mp4"] = page = replace(page, body=other)
    fetch(site, tmp_path)
    assert kept(tmp_path) == page.body


def test_a_file_that_changes_during_a_retry_begins_anew(site: Site, tmp_path: Path) -> None:
    """yt-dlp retries by itself: If-Range keeps it from joining two files."""
    first = site.pages["/film.mp4"]

    class Changing(dict[str, Page]):
        def get(self, key: str, default: Page | None = None) -> Page | None:  # type: ignore[override]  # narrower
            page = super().get(key, default)
            if key == "/film.mp4" and site.sent[key]:
                return replace(first, body=film(tmp_path, SIZE, seed=1), cut=None)
            return page

    site.pages = Changing(site.pages)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    ytdlp(tmp_path, retries=3).fetch(video(f"{site.url}/page"), scratch)
    assert kept(tmp_path) == film(tmp_path, SIZE, seed=1)


def test_a_part_from_nowhere_is_not_trusted(site: Site, tmp_path: Path) -> None:
    partial = break_off(site, tmp_path)
    (partial / "partial.json").unlink()
    (partial / "media.mp4.part").write_bytes(b"x" * HALF)
    page = mend(site)
    fetch(site, tmp_path)
    assert kept(tmp_path) == page.body
    assert site.sent["/film.mp4"] == SIZE


@pytest.mark.parametrize("length", [1, 65_535, 65_536, SIZE - 1, SIZE])
def test_a_part_of_any_length_goes_on(site: Site, tmp_path: Path, length: int) -> None:
    part = break_off(site, tmp_path) / "media.mp4.part"
    page = mend(site)
    part.write_bytes(page.body[:length])
    fetch(site, tmp_path)
    assert kept(tmp_path) == page.body
    assert site.sent["/film.mp4"] == SIZE - length + min(length, 65_536)


@pytest.mark.parametrize("more", [1, 50, 70_000])
def test_a_part_that_is_too_long_begins_anew(site: Site, tmp_path: Path, more: int) -> None:
    """yt-dlp takes up to 99 bytes too many for the whole file."""
    part = break_off(site, tmp_path) / "media.mp4.part"
    page = mend(site)
    part.write_bytes(page.body + b"x" * more)
    fetch(site, tmp_path)
    assert kept(tmp_path) == page.body


def test_a_server_without_ranges_begins_anew(site: Site, tmp_path: Path) -> None:
    break_off(site, tmp_path)
    page = mend(site)
    site.pages["/film.mp4"] = replace(page, ranges=False)
    fetch(site, tmp_path)
    assert kept(tmp_path) == page.body


def test_a_server_that_is_away_costs_no_half_download(site: Site, tmp_path: Path) -> None:
    partial = break_off(site, tmp_path)
    length = (partial / "media.mp4.part").stat().st_size
    page = mend(site)
    for status in (403, 404, 503):
        site.pages["/film.mp4"] = Page(b"no", status=status)
        with pytest.raises(VideoRagError) as caught:
            fetch(site, tmp_path)
        if not isinstance(caught.value, ContentError):
            assert (partial / "media.mp4.part").stat().st_size == length
    site.pages["/film.mp4"] = page
    fetch(site, tmp_path)
    assert kept(tmp_path) == page.body


def test_another_wish_does_not_go_on_with_the_part_of_the_first(site: Site, tmp_path: Path) -> None:
    break_off(site, tmp_path)
    mend(site)
    fetch(site, tmp_path, fingerprint="2")
    assert site.sent["/film.mp4"] == SIZE


def test_a_whole_file_that_was_not_put_in_place_is_not_asked_for_again(
    site: Site, tmp_path: Path
) -> None:
    """Killed between the record and the last step."""
    mend(site)
    found = fetch(site, tmp_path)
    [path] = (tmp_path / "media").rglob("video.mp4")
    partial = path.parent / "partial"
    partial.mkdir()
    record = json.loads((path.parent / "media.json").read_text())
    state = {"wanted": record["wanted"], "streams": {}}
    (partial / "partial.json").write_text(json.dumps(state))
    path.rename(partial / "media.mp4")
    site.gets.clear()
    assert fetch(site, tmp_path) == found
    assert not site.gets


def fragments(site: Site) -> list[str]:
    return sorted(path for path in site.pages if path.endswith(".ts"))


@pytest.fixture
def stream(site: Site, tmp_path: Path) -> Site:
    """HLS whose picture breaks off after four of its eight fragments."""
    put_hls(site, "/hls", tmp_path / "hls")
    return site


def whole_stream(site: Site, folder: Path) -> bytes:
    folder.mkdir()
    fetch(site, folder, "/hls/master.m3u8")
    site.gets.clear()
    return kept(folder)


def lose(site: Site, number: int) -> tuple[str, Page]:
    path = [path for path in fragments(site) if "picture" in path][number]
    page, site.pages[path] = site.pages[path], Page(b"later", status=503)
    return path, page


def test_fragments_that_are_here_are_not_asked_for_again(stream: Site, tmp_path: Path) -> None:
    calm = whole_stream(stream, tmp_path / "calm")
    path, page = lose(stream, 4)
    break_off(stream, tmp_path, "/hls/master.m3u8")
    stream.pages[path] = page
    stream.gets.clear()
    fetch(stream, tmp_path, "/hls/master.m3u8")
    pictures = [name for name in fragments(stream) if "picture" in name]
    assert [stream.gets[name] for name in pictures] == [0, 0, 0, 1, 1, 1, 1, 1]
    assert kept(tmp_path) == calm


@pytest.mark.parametrize(
    "damage", ["doubled", "torn note", "no note", "short", "leftover", "half joined"]
)
def test_a_kill_at_any_point_of_a_fragment_is_made_good(
    stream: Site, tmp_path: Path, damage: str
) -> None:
    calm = whole_stream(stream, tmp_path / "calm")
    path, page = lose(stream, 4)
    partial = break_off(stream, tmp_path, "/hls/master.m3u8")
    [part] = partial.glob("*.mp4.part")
    note = partial / part.name.replace(".part", ".ytdl")
    if damage == "doubled":  # the fragment was written, its number was not
        part.write_bytes(part.read_bytes() + b"half a fragment")
    elif damage == "torn note":
        note.write_text("{")
    elif damage == "no note":
        note.unlink()
    elif damage == "short":
        part.write_bytes(part.read_bytes()[:100])
    elif damage == "half joined":
        (partial / "media.temp.mp4").write_bytes(b"what ffmpeg wrote until it was killed")
    else:
        (partial / f"{part.name}-Frag5.part").write_bytes(b"something else")
    stream.pages[path] = page
    fetch(stream, tmp_path, "/hls/master.m3u8")
    assert kept(tmp_path) == calm


def test_fragments_whose_keys_follow_from_their_number_begin_anew(
    stream: Site, tmp_path: Path
) -> None:
    """yt-dlp counts from 0 again when it goes on, and would decrypt with the wrong vector."""
    from yt_dlp.aes import aes_cbc_encrypt_bytes

    key = b"0123456789abcdef"
    stream.pages["/hls/key"] = Page(key, "application/octet-stream")
    listed = stream.pages["/hls/picture.m3u8"]
    marked = listed.body.replace(b"#EXTINF", b'#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF', 1)
    stream.pages["/hls/picture.m3u8"] = replace(listed, body=marked)
    pictures = [name for name in fragments(stream) if "picture" in name]
    for number, path in enumerate(pictures):
        body = aes_cbc_encrypt_bytes(stream.pages[path].body, key, number.to_bytes(16, "big"))
        stream.pages[path] = replace(stream.pages[path], body=body)
    calm = whole_stream(stream, tmp_path / "calm")
    path, page = lose(stream, 4)
    break_off(stream, tmp_path, "/hls/master.m3u8")
    stream.pages[path] = page
    stream.gets.clear()
    fetch(stream, tmp_path, "/hls/master.m3u8")
    assert kept(tmp_path) == calm
    assert [stream.gets[name] for name in pictures] == [1] * 8


def test_fragments_whose_places_follow_from_one_another_begin_anew(
    stream: Site, tmp_path: Path
) -> None:
    """Ranges without a beginning start where the one before ended: yt-dlp forgets where."""
    pictures = [name for name in fragments(stream) if "picture" in name]
    bodies = [stream.pages[name].body for name in pictures]
    lines = stream.pages["/hls/picture.m3u8"].body.decode().splitlines()
    for name, body in zip(pictures, bodies, strict=True):
        at = lines.index(name.rpartition("/")[2])
        begin = "@0" if body is bodies[0] else ""
        lines[at] = f"#EXT-X-BYTERANGE:{len(body)}{begin}\n/hls/all.ts"
    listed = replace(stream.pages["/hls/picture.m3u8"], body="\n".join(lines).encode())
    stream.pages["/hls/picture.m3u8"] = listed
    whole = replace(stream.pages[pictures[0]], body=b"".join(bodies))
    stream.pages["/hls/all.ts"] = whole
    calm = whole_stream(stream, tmp_path / "calm")
    stream.pages["/hls/all.ts"] = replace(whole, body=b"".join(bodies[:4]))
    break_off(stream, tmp_path, "/hls/master.m3u8")
    stream.pages["/hls/all.ts"] = whole
    fetch(stream, tmp_path, "/hls/master.m3u8")
    assert kept(tmp_path) == calm


def test_another_list_of_fragments_begins_anew(stream: Site, tmp_path: Path) -> None:
    path, page = lose(stream, 4)
    break_off(stream, tmp_path, "/hls/master.m3u8")
    stream.pages[path] = page
    listed = stream.pages["/hls/picture.m3u8"]
    rows = listed.body.decode().splitlines()
    first = next(number for number, row in enumerate(rows) if row.startswith("#EXTINF"))
    shorter = "\n".join([*rows[: first + 2], *rows[first + 4 :]])
    stream.pages["/hls/picture.m3u8"] = replace(listed, body=shorter.encode())
    stream.gets.clear()
    fetch(stream, tmp_path, "/hls/master.m3u8")
    pictures = [name for name in fragments(stream) if "picture" in name]
    assert [stream.gets[name] for name in pictures] == [1, 0, 1, 1, 1, 1, 1, 1]
