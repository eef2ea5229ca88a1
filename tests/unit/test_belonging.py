"""Which of a platform's subtitles belong to a video, and what is said about the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_languages import TEXTS

from lectures import ear, lecture, moved
from video_rag.errors import ContentError, Unavailable
from video_rag.model import Chapter, MediaSet, Origin, Segment, Transcript, Video
from video_rag.processors._speech import units_of
from video_rag.processors.belonging import judged
from video_rag.processors.subtitles.reading import read_subtitles
from video_rag.text import timecode

MEDIA = MediaSet(files=())
SHEEP_TITLE = "How a shepherd counts the flock on the hill"
OTHER_TITLE = "Roman aqueducts and their marble arches"


def video(**more: object) -> Video:
    known = {"video_id": "site:1", "source": "ytdlp", "url": "https://a.example/1", "title": "Talk"}
    return Video.model_validate(known | {"duration": 600.0} | more)


def look(
    track: Transcript, hear: Callable[[float, float], str | None] | None = None, **more: object
) -> Transcript:
    """The track as it is kept; the refusal is raised."""
    kept, refused = judged([track], video(**more), MEDIA, hear)
    if refused:
        assert kept == []
        raise refused[0]
    return kept[0]


# --- length ------------------------------------------------------------------------------------


def test_subtitles_that_run_on_are_refused_with_the_reason() -> None:
    with pytest.raises(ContentError) as caught:
        look(moved(lecture("sheep", 1360.0, origin="platform-auto"), 3.0), duration=600.0)
    assert str(caught.value).startswith("subtitles en (platform-auto) refused: they run 12:")
    assert str(caught.value).endswith(" past the end of the video")
    assert "speech recognition" in caught.value.hint


@pytest.mark.parametrize("duration", [None, 0.0, 600.0, 580.0, 572.0])
def test_a_little_more_than_the_video_is_fine(duration: float | None) -> None:
    track = lecture("sheep")
    assert look(track, duration=duration) == track


def test_the_length_found_in_the_file_counts_before_the_promised_one() -> None:
    media = MediaSet(files=(), duration=300.0)
    kept, refused = judged([lecture("sheep")], video(duration=600.0), media, None)
    assert kept == []
    assert "past the end" in str(refused[0])


def test_a_stray_line_after_the_end_is_left_out_and_said() -> None:
    track = lecture("sheep")
    stray = Segment(start=359_998.0, end=359_999.0, text="subtitles by Ann")
    kept = look(track.model_copy(update={"segments": (*track.segments, stray)}))
    assert kept.segments == track.segments
    assert kept.notes == ("subtitles en (platform): 1 line after the end of the video left out",)


@pytest.mark.parametrize("origin", ["sidecar", "embedded", "asr"])
def test_what_the_owner_chose_is_never_refused(origin: Origin) -> None:
    track = lecture("stars", origin=origin)
    assert look(track, ear(lecture("sheep")), duration=60.0, title=OTHER_TITLE) == track


@given(
    st.lists(st.tuples(st.floats(0, 600), st.floats(0, 30)), min_size=1, max_size=20),
    st.floats(600, 1e6),
)
def test_nothing_that_lies_inside_the_video_is_refused(
    spans: list[tuple[float, float]], duration: float
) -> None:
    lines = [Segment(start=s, end=s + d, text="a line of words") for s, d in sorted(spans)]
    track = Transcript(language="en", origin="platform-auto", segments=tuple(lines))
    assert look(track, duration=duration).segments == track.segments


# --- language ----------------------------------------------------------------------------------


def declared(track: Transcript, language: str, origin: Origin = "platform-auto") -> Transcript:
    return track.model_copy(update={"language": language, "origin": origin})


def test_a_text_in_another_language_than_declared_is_renamed_and_noted() -> None:
    kept = look(declared(lecture("sheep"), "zh"))
    assert kept.language == "en"
    assert kept.notes == ("subtitles zh (platform-auto): their text is en",)


def test_a_machine_s_text_that_is_neither_declared_nor_spoken_is_refused() -> None:
    with pytest.raises(ContentError, match=r"zh \(platform-auto\) refused: their text is en, but"):
        look(declared(lecture("sheep"), "zh"), language="zh")


def test_people_may_translate_under_a_wrong_name() -> None:
    kept = look(declared(lecture("sheep"), "zh", "platform"), language="zh")
    assert (kept.language, len(kept.notes)) == ("en", 1)


def test_a_machine_s_translation_under_its_own_name_is_kept() -> None:
    track = declared(lecture("sheep"), "en")
    assert look(track, language="zh") == track


def test_two_languages_one_above_the_other_stay_under_the_declared_one() -> None:
    below = lecture("stars", language="zh").segments
    lines = [
        line.model_copy(update={"text": f"{line.text}\n{other.text}"})
        for line, other in zip(lecture("stars").segments, below, strict=False)
    ]
    for language in ("en", "zh"):
        track = Transcript(language=language, origin="platform", segments=tuple(lines))
        assert look(track) == track


def test_some_names_in_another_script_do_not_make_two_languages() -> None:
    track = lecture("sheep")
    lines = (*track.segments[:-1], track.segments[-1].model_copy(update={"text": "字幕 小明"}))
    assert look(declared(track.model_copy(update={"segments": lines}), "zh")).language == "en"


@pytest.mark.parametrize("language", ["ca", "nb", "pt"])
def test_a_language_that_cannot_be_told_from_its_neighbours_is_believed(language: str) -> None:
    track = declared(lecture("sheep"), language)
    assert look(track) == track


def test_a_few_words_are_too_few_to_tell_a_language() -> None:
    track = declared(lecture("sheep", 10.0), "zh")
    assert look(track, duration=10.0) == track


def test_a_file_of_the_owner_with_a_wrong_name_is_only_noted() -> None:
    kept = look(declared(lecture("sheep"), "zh", "sidecar"), language="zh")
    assert kept.language == "zh"
    assert kept.notes == ("subtitles zh (sidecar): their text looks like en",)


# --- doubts ------------------------------------------------------------------------------------

UNHEARD = "; not compared with the speech: no sound is here"


def test_subtitles_for_a_small_part_of_a_long_video_are_doubtful() -> None:
    (note,) = look(lecture("sheep", 190.0), duration=1500.0).notes
    assert note.startswith("subtitles en (platform) doubtful: they end at 3:0")
    assert note.endswith(f" of 25:00{UNHEARD}")


def test_subtitles_that_begin_far_into_the_video_are_doubtful() -> None:
    (note,) = look(moved(lecture("sheep"), 700.0), duration=1320.0).notes
    assert note == f"subtitles en (platform) doubtful: they begin at 11:40 of 22:00{UNHEARD}"


def test_a_text_without_a_word_of_its_title_is_doubtful() -> None:
    (note,) = look(lecture("sheep"), title=OTHER_TITLE).notes
    assert note == f"subtitles en (platform) doubtful: no word of the title is in them{UNHEARD}"


def test_one_word_of_the_title_or_of_a_chapter_is_enough() -> None:
    assert look(lecture("sheep"), title=SHEEP_TITLE).notes == ()
    chapters = (Chapter(start=0.0, end=60.0, title="Shearing"),)
    assert look(lecture("sheep"), title=OTHER_TITLE, chapters=chapters).notes == ()


@pytest.mark.parametrize(
    "title",
    [
        "Talk 12",
        "10 000 2026 11 24 18 30",
        "罗马水道和大理石拱门的历史",
        "Die Aquädukte der Römer und ihre Bögen aus Stein",
    ],
)
def test_a_title_that_is_short_or_in_another_language_tells_nothing(title: str) -> None:
    assert look(lecture("sheep"), title=title).notes == ()


def test_a_chinese_title_is_looked_for_in_chinese_subtitles() -> None:
    track = lecture("sheep", language="zh")
    assert look(track, title="牧人怎样在山坡上放牧羊群").notes == ()
    assert "title" in look(track, title="罗马水道和大理石拱门的历史").notes[0]


def test_a_translation_is_not_measured_by_the_title() -> None:
    assert look(lecture("sheep"), title=OTHER_TITLE, language="de").notes == ()


# --- speech ------------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", [0.0, 0.2, 0.4, 0.6])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_own_text_is_known_again_through_errors(language: str, changed: float) -> None:
    track = lecture("stars", language=language, origin="platform-auto")
    title = OTHER_TITLE if language == "en" else "罗马水道和大理石拱门的历史"
    assert look(track, ear(track, changed), title=title) == track


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("changed", [0.2, 0.4])
def test_another_text_is_refused_when_it_is_doubtful(language: str, changed: float) -> None:
    track = lecture("stars", language=language)
    title = SHEEP_TITLE if language == "en" else "牧人怎样在山坡上放牧羊群"
    spoken = ear(lecture("sheep", language=language), changed)
    with pytest.raises(ContentError, match=r"refused: something else is said \(listened at \d"):
        look(track, spoken, title=title)


def test_without_a_doubt_nobody_listens_but_where_subtitles_are_mixed_up() -> None:
    asked: list[float] = []

    def hear(start: float, seconds: float) -> str | None:
        asked.append(start)
        return ear(lecture("sheep"))(start, seconds)

    wrong = lecture("stars", origin="platform-auto")
    assert look(wrong, hear) == wrong
    by_people = lecture("stars")
    assert look(by_people, hear, video_id="bilibili:BV1") == by_people
    assert asked == []
    with pytest.raises(ContentError, match="something else is said"):
        look(wrong, hear, video_id="bilibili:BV1")
    assert all(later - earlier >= 20.0 for earlier, later in pairwise(sorted(asked)))


@pytest.mark.parametrize("late", [20.0, 60.0, -16.0, -95.0])
def test_the_right_text_at_the_wrong_time_is_refused(late: float) -> None:
    spoken = lecture("sheep")
    with pytest.raises(ContentError, match="compared with the speech") as caught:
        look(moved(spoken, late), ear(spoken), title=OTHER_TITLE, duration=700.0)
    _, time, side = re.split(r"they come about (\S+) ", str(caught.value))
    assert side.startswith("late" if late > 0 else "early")
    assert timecode.parse(time) == pytest.approx(abs(late), abs=3.0)


def test_some_seconds_of_delay_are_a_note() -> None:
    spoken = lecture("sheep")
    (note,) = look(moved(spoken, 7.0), ear(spoken), title=OTHER_TITLE).notes
    assert note in {f"subtitles en (platform): they come about 0:0{n} late" for n in (5, 6, 7, 8)}


@pytest.mark.parametrize(
    ("hear", "why"),
    [
        (lambda start, seconds: None, "no recogniser is here"),
        (lambda start, seconds: "", "too few words to compare"),
        (lambda start, seconds: "Thank you for watching.", "too few words to compare"),
        (ear(lecture("sheep", language="zh")), "zh is spoken"),
    ],
)
def test_what_cannot_be_compared_is_kept_in_doubt(
    hear: Callable[[float, float], str | None], why: str
) -> None:
    (note,) = look(lecture("sheep"), hear, title=OTHER_TITLE).notes
    told = "subtitles en (platform) doubtful: no word of the title is in them; not compared with"
    assert note == f"{told} the speech: {why}"


def test_subtitles_for_signs_and_music_alone_are_not_taken_for_another_text() -> None:
    lines = [Segment(start=at, end=at + 3.0, text="[music]") for at in range(5, 90, 20)]
    sparse = Transcript(language="en", origin="platform-auto", segments=tuple(lines))
    (note,) = look(sparse, ear(lecture("sheep")), video_id="bilibili:BV1").notes
    assert note.endswith("not compared with the speech: too few words to compare")


def test_half_a_likeness_is_a_doubt_by_itself() -> None:
    spoken = lecture("sheep", origin="platform-auto")
    (note,) = look(spoken, ear(spoken, 0.75), video_id="bilibili:BV1").notes
    told = r"subtitles en \(platform-auto\) doubtful: only \d+% of what is heard is in them"
    assert re.fullmatch(told, note)


def test_sound_that_cannot_be_heard_is_a_doubt_and_a_server_away_is_tried_again() -> None:
    def broken(start: float, seconds: float) -> str:
        raise ContentError("talk.mp4 has no sound that can be decoded")

    def away(start: float, seconds: float) -> str:
        raise Unavailable("no answer")

    (note,) = look(lecture("sheep"), broken, title=OTHER_TITLE).notes
    assert note.endswith("listening failed: talk.mp4 has no sound that can be decoded")
    with pytest.raises(Unavailable):
        look(lecture("sheep"), away, title=OTHER_TITLE)


def test_a_translation_is_not_compared_with_the_speech() -> None:
    (note,) = look(
        lecture("sheep", 190.0), ear(lecture("stars")), language="de", duration=900.0
    ).notes
    assert note.endswith("not compared with the speech: de is spoken")


def test_words_and_characters_are_compared_in_one_spelling() -> None:
    assert units_of("The 導數 of X²") == ["the", "导", "数", "of", "x", "2"]


# --- two tracks --------------------------------------------------------------------------------


def notes_of(*tracks: Transcript) -> list[str]:
    kept, refused = judged(list(tracks), video(), MEDIA, None)
    assert refused == []
    return [note for track in kept for note in track.notes]


def test_the_same_text_under_two_languages_is_noted() -> None:
    same = declared(lecture("sheep"), "pt", "platform")
    assert notes_of(lecture("sheep"), same) == [
        "subtitles en (platform) and pt (platform) have the same text"
    ]


def test_two_tracks_of_one_language_are_no_translations_of_each_other() -> None:
    assert notes_of(lecture("sheep"), lecture("sheep", origin="platform-auto")) == []


def test_tracks_that_do_not_speak_together_are_noted() -> None:
    one, other = lecture("sheep"), lecture("sheep", language="zh", seed=1)
    (note,) = notes_of(one, other)
    assert note.startswith("subtitles en (platform) and zh (platform) do not speak at the same")


def test_a_translation_line_by_line_is_no_news() -> None:
    lines = lecture("sheep", language="zh").segments
    mine = lecture("sheep")
    texts = [lines[n % len(lines)].text for n in range(len(mine.segments))]
    translated = [
        s.model_copy(update={"text": t}) for s, t in zip(mine.segments, texts, strict=True)
    ]
    track = Transcript(language="zh", origin="platform", segments=tuple(translated))
    assert notes_of(mine, track) == []


# --- real subtitles ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus() -> dict[tuple[str, str], Transcript]:
    folder = Path(__file__).resolve().parents[3] / "shared" / "corpus"
    return {
        (language, path.stem): read_subtitles(path, language=language, origin="platform-auto")
        for language in ("en", "zh")
        for path in sorted((folder / language).glob("*.srt"))
    }


def of(name: str, tracks: dict[tuple[str, str], Transcript], **more: object) -> Video:
    """The video of a lecture: its title from the file's name, some seconds of music at its end."""
    ends = [track.segments[-1].end for (_, stem), track in tracks.items() if stem == name]
    title = name.split("__")[1].replace("-", " ")
    return video(video_id=f"bilibili:{name}", title=title, duration=max(ends) + 12.0)


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("changed", [0.2, 0.6])
def test_every_lecture_keeps_its_own_subtitles(
    corpus: dict[tuple[str, str], Transcript], changed: float
) -> None:
    for (_, name), track in corpus.items():
        kept, refused = judged([track], of(name, corpus), MEDIA, ear(track, changed))
        assert (len(kept), refused) == (1, []), name
        assert kept[0].language == track.language


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
def test_nearly_all_swapped_subtitles_are_refused(
    corpus: dict[tuple[str, str], Transcript],
) -> None:
    by_length = by_speech = swaps = 0
    for language in ("en", "zh"):
        names = [name for tongue, name in corpus if tongue == language]
        for number, name in enumerate(names):
            for other in (names[number - 1], names[number - 7]):
                mine, theirs = corpus[language, name], corpus[language, other]
                _, refused = judged([theirs], of(name, corpus), MEDIA, ear(mine, 0.3))
                swaps += 1
                by_length += "past the end" in str(refused)
                by_speech += "something else is said" in str(refused)
    assert by_length >= 0.3 * swaps
    assert by_length + by_speech >= 0.95 * swaps


@pytest.mark.shared
@pytest.mark.usefixtures("shared")
def test_the_two_languages_of_a_lecture_speak_together(
    corpus: dict[tuple[str, str], Transcript],
) -> None:
    names = [name for language, name in corpus if language == "zh" and ("en", name) in corpus]
    for name in names:
        tracks = [corpus["en", name], corpus["zh", name]]
        kept, _ = judged(tracks, of(name, corpus, video_id="site:1"), MEDIA, None)
        assert not [note for track in kept for note in track.notes if " and zh " in note], name


SHORT = Video(video_id="file:1", source="folder", url="/talk.srt", title="Weather")


def labelled(language: str, text: str) -> Transcript:
    sentences = text.split(". ")
    lines = [Segment(start=3.0 * n, end=3.0 * n + 2, text=one) for n, one in enumerate(sentences)]
    return Transcript(language=language, origin="sidecar", segments=tuple(lines))


@pytest.mark.parametrize("language", sorted(TEXTS.keys() - {"en"}))
def test_a_label_that_is_not_the_languages_is_noticed_both_ways(language: str) -> None:
    for label, text in ((language, "en"), ("en", language)):
        [kept], _ = judged([labelled(label, TEXTS[text])], SHORT, MEDIA, None)
        assert kept.language == label
        assert f"their text looks like {text}" in "".join(kept.notes)


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_a_label_that_is_right_and_a_text_that_is_short_are_no_doubt(language: str) -> None:
    first = TEXTS["en"].partition(". ")[0]
    for track in (labelled(language, TEXTS[language]), labelled(language, first)):
        [kept], _ = judged([track], SHORT, MEDIA, None)
        assert kept.notes == ()


@pytest.mark.parametrize(("label", "text"), [("es", "pt"), ("da", "no"), ("sv", "no")])
def test_near_languages_are_not_told_apart(label: str, text: str) -> None:
    [kept], _ = judged([labelled(label, TEXTS[text])], SHORT, MEDIA, None)
    assert kept.notes == ()
