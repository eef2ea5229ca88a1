"""Metadata fields: what a video is told by, and how they come into a dataset."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from dify_bases import base_of, dataset_of, documents, other_client, server
from video_rag.dify.datasets import Datasets
from video_rag.dify.passages import collections_of
from video_rag.errors import Rejected
from video_rag.knowledge.dify.fields import KINDS, Fields, values
from video_rag.testing.dify import DifyServer
from video_rag.testing.knowledge_contract import give, lecture


def test_a_video_is_described() -> None:
    document = lecture(collection="sea", published="2026-01-31", title="Sharks")
    video = document.video.model_copy(update={"channel": "Ann", "duration": 19.04})
    assert values(document.model_copy(update={"video": video})) == {
        "video_id": "file:1",
        "title": "Sharks",
        "site": "file",
        "author": "Ann",
        "url": "/talks/file:1.mp4",
        "published": 1769817600,
        "duration": 19.0,
        "language": "en",
        "origin": "sidecar",
        "collection": "sea",
    }


def test_several_collections_are_one_text_that_a_filter_for_one_of_them_finds() -> None:
    """A dataset whose videos have one collection each is not changed."""
    told = values(lecture(collection="zoo", also_in=("sea", "zoology")))["collection"]
    assert told == "|zoo|sea|zoology|"
    assert collections_of({"collection": told}) == ("zoo", "sea", "zoology")
    assert collections_of({"collection": "sea"}) == ("sea",)
    for nothing in ({}, {"collection": None}, {"collection": ""}, {"collection": "||"}):
        assert collections_of(nothing) == ("default",)


@pytest.mark.parametrize("published", [None, "", "soon", "2026-13-45"])
def test_what_is_not_known_is_told_as_nothing(published: str | None) -> None:
    found = values(lecture(published=published))
    assert (found["published"], found["author"], found["duration"]) == (None, None, None)


def test_a_document_without_sections_has_the_language_of_its_video() -> None:
    empty = lecture().model_copy(update={"sections": ()})
    assert (values(empty)["language"], values(empty)["origin"]) == (None, None)


def _fields(dify: DifyServer) -> dict[str, str]:
    return {field.name: field.type for field in dataset_of(dify).fields}


def test_rule_7_missing_fields_are_made_with_their_types_and_present_ones_kept(
    tmp_path: Path,
) -> None:
    """Rule 7: list first, create what is missing; a second publisher creates nothing."""
    with server() as dify:
        base = base_of(dify, tmp_path)
        client = other_client(dify)
        client.create_field(base.dataset_id, "department", "string")
        client.create_field(base.dataset_id, "title", "string")
        give(base, lecture(published="2026-01-31"))
        assert _fields(dify) == {"department": "string", **KINDS}
        made = [seen for seen in dify.writes() if seen.path.endswith("/metadata")]
        give(base_of(dify, tmp_path / "other"), lecture(video_id="file:2"))
        again = [seen for seen in dify.writes() if seen.path.endswith("/metadata")]
        assert [one.path for one in again].count(f"/v1/datasets/{base.dataset_id}/metadata") == len(
            [one for one in made if one.path.endswith(f"{base.dataset_id}/metadata")]
        )


def test_rule_7_values_are_bound_by_the_ids_and_names_of_the_list(tmp_path: Path) -> None:
    """Rule 7: Dify takes any id with 200, and a filter then finds nothing."""
    with server() as dify:
        base = base_of(dify, tmp_path)
        give(base, lecture(collection="sea", published="2026-01-31"))
        ids = {field.id for field in dataset_of(dify).fields}
        (document,) = documents(dify)
        assert set(document.bindings) == ids
        assert document.metadata
        assert document.metadata["published"] == 1769817600
        assert document.metadata["collection"] == "sea"


def test_rule_7_the_fields_of_others_are_never_wiped(tmp_path: Path) -> None:
    """Rule 7: without `partial_update` Dify drops what is not named."""
    with server() as dify:
        base = base_of(dify, tmp_path)
        give(base, lecture())
        client = other_client(dify)
        client.create_field(base.dataset_id, "department", "string")
        (document,) = documents(dify)
        known = client.fields(base.dataset_id)
        client.set_metadata(base.dataset_id, {document.id: {"department": "zoology"}}, known)
        give(base, lecture(("Other words of sharks.",)))
        give(base, lecture(("Other words of sharks.",)), force=True)
        assert document.metadata
        assert document.metadata["department"] == "zoology"


class _Late(Datasets):
    """Another publisher makes each field in the moment before."""

    def create_field(self, dataset_id: str, name: str, kind: str) -> None:
        super().create_field(dataset_id, name, kind)
        super().create_field(dataset_id, name, kind)


def test_a_field_that_another_publisher_made_meanwhile_is_used(tmp_path: Path) -> None:
    with server() as dify:
        base = base_of(dify, tmp_path)
        late = _Late(base.datasets.client)
        give(base, lecture())
        (document,) = documents(dify)
        Fields(late, base.dataset_id).set({document.id: {"author": "Ann"}})
        dataset_of(dify).fields.clear()
        Fields(late, base.dataset_id).set({document.id: {"author": "Ann"}})
        assert _fields(dify) == KINDS


def test_a_field_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with server() as dify:
        base = base_of(dify, tmp_path)
        client = other_client(dify)
        with pytest.raises(Rejected, match="Built-in"):
            client.create_field(base.dataset_id, "uploader", "string")


def test_threads_make_each_field_once(tmp_path: Path) -> None:
    with server() as dify:
        base = base_of(dify, tmp_path)
        fields = Fields(base.datasets, base.dataset_id)
        threads = [Thread(target=fields.set, args=({},)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(dataset_of(dify).fields) == len(KINDS)
