"""Names of collections in one text, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.library.status import Wishes, merged
from video_rag.model import Chunk, Video
from video_rag.text.memberships import frame, framed, unframed

NAMES = st.text(st.characters(categories=("L", "N", "P", "Zs", "S")), min_size=1).filter(
    lambda name: "%7C" not in name
)
LISTS = st.lists(NAMES, min_size=1, max_size=4, unique=True)
VIDEO = Video(video_id="file:1", source="folder", url="/a.mp4", title="A")


@given(LISTS)
def test_names_survive_being_framed(names: list[str]) -> None:
    assert unframed(framed(names)) == tuple(names)


@given(LISTS, NAMES)
def test_a_frame_is_in_the_text_of_those_that_hold_the_name_and_of_no_others(
    names: list[str], name: str
) -> None:
    text = framed(names)
    assert (text == framed([name]) or frame(name) in text) == (name in names)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["sea"], "sea"),
        (["sea", "zoo"], "|sea|zoo|"),
        (["a|b"], "a|b"),
        (["a|b", "c"], "|a%7Cb|c|"),
        (["|a|"], "|%7Ca%7C|"),
    ],
)
def test_one_name_stays_as_it_is_and_several_are_framed(names: list[str], text: str) -> None:
    assert framed(names) == text


def joined(*wishes: Wishes, default: str = "default") -> tuple[str, ...]:
    """The collections of a video that is added once for each of these."""
    video = None
    for wish in wishes:
        video = merged(VIDEO, video, wish, default)
    assert video
    return video.collections


NONE, FARM, BARN, DEFAULT = Wishes(), Wishes("farm"), Wishes("barn"), Wishes("default")


@pytest.mark.parametrize(
    ("wishes", "collections"),
    [
        ((NONE,), ("default",)),
        ((NONE, FARM), ("farm",)),
        ((FARM, NONE), ("farm",)),
        ((FARM, BARN), ("farm", "barn")),
        ((FARM, Wishes("zoo"), BARN, FARM), ("farm", "barn", "zoo")),
        ((FARM, DEFAULT), ("farm", "default")),
        ((FARM, BARN, Wishes(leaves="farm")), ("barn",)),
        ((FARM, Wishes("barn", leaves="farm")), ("barn",)),
        ((FARM, Wishes(leaves="zoo")), ("farm",)),
        ((FARM, Wishes(leaves="farm")), ("default",)),
    ],
)
def test_a_wish_for_a_collection_joins_it(
    wishes: tuple[Wishes, ...], collections: tuple[str, ...]
) -> None:
    assert joined(*wishes) == collections


def test_the_default_is_that_of_the_settings() -> None:
    assert joined(NONE, FARM, default="talks") == ("farm",)
    assert joined(DEFAULT, FARM, default="talks") == ("default", "farm")


@given(st.permutations(["farm", "barn", "zoo"]))
def test_whatever_the_order_the_same_collections_hold_it(names: list[str]) -> None:
    assert sorted(joined(*map(Wishes, names))) == ["barn", "farm", "zoo"]


def test_only_one_collection_is_stored_as_before_there_could_be_several() -> None:
    """So nothing that was made from it is stale, and nothing is published again."""
    stored = VIDEO.model_dump_json()
    assert "also_in" not in stored
    assert Video.model_validate_json(stored) == VIDEO
    both = VIDEO.model_copy(update={"also_in": ("farm",)})
    assert Video.model_validate_json(both.model_dump_json()) == both
    assert "also_in" in Chunk.model_fields


def test_collections_decide_neither_what_is_fetched_nor_what_is_heard() -> None:
    both = VIDEO.model_copy(update={"collection": "farm", "also_in": ("barn",)})
    assert both.origins == VIDEO.origins
    assert both.talk == VIDEO.talk == VIDEO
