"""Which track of a video is its transcript."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from video_rag.model import Media, MediaSet, Origin, Segment, Transcript
from video_rag.processors.leading import main_first, transcripts_of

VIDEO = Media(kind="video", path="/talk.mp4", digest="", size=1)
FILM = MediaSet(files=(VIDEO,), duration=1000.0, has_speech_track=True)
CLIP = FILM.model_copy(update={"duration": 12.0})


def track(
    *roles: str, shown: float = 600.0, language: str = "en", origin: Origin = "sidecar"
) -> Transcript:
    """Lines for so many seconds, two seconds each."""
    lines = tuple(Segment(start=2.0 * n, end=2.0 * n + 2, text="x") for n in range(int(shown / 2)))
    return Transcript(language=language, origin=origin, segments=lines, roles=tuple(sorted(roles)))


def led(*tracks: Transcript, media: MediaSet = FILM, spoken: str | None = None) -> Transcript:
    kept, _ = transcripts_of(tracks, media)
    return main_first(kept, spoken, ["en", "zh"])[0]


def test_a_forced_track_alone_is_no_transcript_and_told() -> None:
    kept, refused = transcripts_of([track("forced", shown=4)], CLIP)
    assert not kept
    assert "forced: only signs and foreign speech" in str(refused[0])


def test_a_forced_track_beside_a_full_one_is_left_out_and_told() -> None:
    full = track("default")
    kept, refused = transcripts_of([track("default", "forced", shown=10), full], FILM)
    assert [one.segments for one in kept] == [full.segments]
    assert len(refused) == 1


def test_without_a_video_subtitles_are_all_there_is() -> None:
    lone = track("forced")
    assert transcripts_of([lone], MediaSet(files=())) == ([lone], [])


def test_the_mark_of_forced_on_the_whole_text_of_a_long_film_is_a_mistake() -> None:
    kept, refused = transcripts_of([track("forced")], FILM)
    assert len(kept) == 1
    assert not refused


def test_a_commentary_yields_and_is_told_but_may_stand_alone() -> None:
    kept, refused = transcripts_of([track("commentary"), track("hearing-impaired")], FILM)
    assert [one.roles for one in kept] == [("hearing-impaired",)]
    assert "commentary" in str(refused[0])
    assert transcripts_of([track("commentary")], FILM)[0]


def test_plain_subtitles_lead_those_for_the_hearing_impaired() -> None:
    assert led(track("hearing-impaired", "default"), track()).roles == ()


def test_the_default_track_leads_its_like() -> None:
    assert led(track(), track("default")).roles == ("default",)


def test_a_part_leads_nothing_even_in_the_language_that_is_spoken() -> None:
    main = led(track(language="zh", shown=100), track(language="en"), spoken="zh")
    assert main.language == "en"
    assert "subtitles zh (sidecar) do not lead: they cover 10% of the video" in main.notes[0]
    assert led(track(language="zh", shown=400), track(language="en"), spoken="zh").language == "zh"


def test_next_to_nothing_in_a_long_video_is_told() -> None:
    assert "cover only 1.0% of the video" in led(track(shown=10)).notes[0]
    assert not led(track(shown=4), media=CLIP).notes


def test_recognised_speech_is_not_measured() -> None:
    assert led(track(origin="asr")).coverage is None


@given(
    st.lists(st.tuples(st.floats(0, 2000), st.floats(0, 100)), min_size=1, max_size=20),
    st.floats(1, 1000),
)
def test_coverage_is_a_share(lines: list[tuple[float, float]], duration: float) -> None:
    said = tuple(Segment(start=at, end=at + length, text="x") for at, length in lines)
    one = Transcript(language="en", origin="sidecar", segments=said)
    [kept], _ = transcripts_of([one], FILM.model_copy(update={"duration": duration}))
    assert kept.coverage is not None
    assert 0 <= kept.coverage <= 1
