"""What Dify gets when it asks our index, by the requests that a real Dify sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving import HERE
from talks import SHEEP, STARS, write_talk
from video_rag.api import create_app, external
from video_rag.api.timely import Timely
from video_rag.chunking import parse_addresses
from video_rag.errors import Unavailable
from video_rag.library import Library, Wishes
from video_rag.model import Hit, Query
from video_rag.operations import keys
from video_rag.operations.retrieval import base_of
from video_rag.settings import load_settings

SERVER = "http://videos.example:8420"
RECORDED = sorted((Path(__file__).parents[1] / "fixtures/dify/external").glob("*sent*.jsonl"))
PROBE = {
    "knowledge_id": "",
    "query": "",
    "retrieval_setting": {"top_k": 1, "score_threshold": 0.0},
}
CHUNKING = (
    "Welcome to the course on search.",
    "Chunking strategies split a transcript into passages.",
    "Fixed windows are simple; scenes follow the speaker.",
)


class SlowLibrary(Library):
    """One whose searches are counted and can be held up."""

    may_go = threading.Event()
    searches: list[tuple[Query, str | None]]

    def search(self, query: Query, knowledge: str | None = None) -> list[Hit]:
        self.searches.append((query, knowledge))
        self.may_go.wait()
        return super().search(query, knowledge)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[SlowLibrary]:
    library = SlowLibrary(load_settings())
    library.searches, library.may_go = [], threading.Event()
    library.may_go.set()
    talks = tmp_path / "talks"
    write_talk(talks / "sheep.srt", SHEEP)
    write_talk(talks / "星.zh.srt", STARS)
    write_talk(talks / "search.srt", CHUNKING)
    for name, collection in (("sheep.srt", "farm"), ("星.zh.srt", "sky"), ("search.srt", "kb-ok")):
        list(library.add([str(talks / name)], Wishes(collection=collection)))
    yield library
    library.may_go.set()
    library.close()


@pytest.fixture
def client(library: SlowLibrary) -> Iterator[TestClient]:
    """Dify, with the key of the right kind."""
    _, key = keys.make(library.ledger, "dify", "read")
    app = create_app(library, keys_required=True)
    with TestClient(app, base_url=SERVER, headers={"Authorization": f"Bearer {key}"}) as client:
        yield client


def ask(client: TestClient, query: str = "How often is wool shorn?", **more: Any) -> Any:
    setting = {"top_k": more.pop("top_k", 3), "score_threshold": more.pop("threshold", 0.0)}
    body = {"knowledge_id": "all", "query": query, "retrieval_setting": setting}
    return client.post("/retrieval", json={**body, "metadata_condition": None} | more)


def found(client: TestClient, *conditions: tuple[str, str, Any], logic: str = "and") -> set[str]:
    """The titles that pass these conditions, of all three talks."""
    keys_ = ("name", "comparison_operator", "value")
    named = [dict(zip(keys_, one, strict=True)) for one in conditions]
    condition = {"logical_operator": logic, "conditions": named}
    answer = ask(client, "wool 恒星 chunking", top_k=20, metadata_condition=condition)
    assert answer.status_code == 200, answer.text
    return {record["title"] for record in answer.json()["records"]}


# as Dify calls


def test_every_recorded_request_is_answered_or_refused_as_dify_understands(
    client: TestClient,
) -> None:
    """Rule 10: `metadata_condition: null` and all that Dify was seen to send."""
    lines = [line for path in RECORDED for line in path.read_text("utf-8").splitlines()]
    assert len(lines) > 20
    for line in lines:
        sent = json.loads(line)
        headers = {
            name: value
            for name, value in sent["headers"].items()
            if name not in {"Host", "Authorization", "Content-Length"}
        }
        answer = client.post(SERVER + sent["path"], json=sent["body"], headers=headers)
        if sent["body"]["knowledge_id"] != "kb-ok":
            assert answer.status_code == 404
            assert answer.json()["error_code"] == 2001
            continue
        records = answer.json()["records"]
        is_filtered = sent["body"]["metadata_condition"] is not None
        assert [record["title"] for record in records] == ([] if is_filtered else ["search"])
        assert all(record["score"] >= 0.5 for record in records)


def test_the_probe_of_a_registration_finds_nothing_and_no_fault(client: TestClient) -> None:
    """Rule 10 of the contract: 200 to the empty probe."""
    for path in ("/retrieval", "//retrieval"):
        answer = client.post(SERVER + path, json=PROBE)
        assert (answer.status_code, answer.json()) == (200, {"records": []}), path


def test_a_record_has_the_passage_its_address_and_a_link_that_opens_it(client: TestClient) -> None:
    [record, *_] = ask(client).json()["records"]
    facts = record["metadata"]
    assert "Wool is shorn once a year" in record["content"]
    assert record["title"] == facts["title"] == "sheep"
    assert 0 < record["score"] <= 1
    [place] = parse_addresses(record["content"])
    assert place == (facts["video_id"], facts["start"], facts["end"])
    assert facts["url"] == f"{SERVER}/#/video/{facts['video_id']}?t={facts['start']:g}"
    assert f"[sheep 0:00]({facts['url']})" in record["content"]
    assert (facts["language"], facts["collection"], facts["origin"]) == ("en", "farm", "sidecar")


def test_metadata_is_always_an_object_without_nulls(client: TestClient) -> None:
    """Rule 10: always an object."""
    records = ask(client, "wool 恒星 chunking", top_k=20).json()["records"]
    assert len(records) == 3
    for record in records:
        assert set(record) == {"content", "score", "title", "metadata"}
        assert None not in record["metadata"].values()


def test_asking_twice_gives_the_same(client: TestClient) -> None:
    assert ask(client).json() == ask(client).json()


# keys


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, 1001),
        ("", 1001),
        ("Basic eDp4", 1001),
        ("Bearer ", 1001),
        ("Bearer vr_00000000_wrong", 1002),
        ("Bearer ext-secret", 1002),
    ],
)
def test_a_wrong_key_fails_already_when_it_is_registered(
    library: SlowLibrary, header: str | None, code: int
) -> None:
    headers = {} if header is None else {"Authorization": header}
    with TestClient(create_app(library, keys_required=True), base_url=SERVER) as stranger:
        answer = stranger.post("/retrieval", json=PROBE, headers=headers)
    assert answer.status_code == 403  # the only refusal that Dify notices there
    assert answer.json()["error_code"] == code
    assert "vr_00000000" not in answer.text


def test_a_revoked_key_is_wrong(library: SlowLibrary, client: TestClient) -> None:
    keys.revoke(library.ledger, "dify")
    assert ask(client).json()["error_code"] == 1002


def test_on_this_machine_no_key_is_needed_until_there_is_one(library: SlowLibrary) -> None:
    app = create_app(library, keys_required=False)
    with TestClient(app, base_url="http://127.0.0.1:8420", client=HERE) as local:
        assert ask(local).json()["records"]
        keys.make(library.ledger, "dify", "read")
        assert ask(local).json()["error_code"] == 1001


# what is asked


@pytest.mark.parametrize("name", ["", "all", "default"])
def test_the_whole_library_has_three_names(client: TestClient, name: str) -> None:
    records = ask(client, "wool 恒星", knowledge_id=name).json()["records"]
    assert {record["title"] for record in records} == {"sheep", "星"}


def test_other_names_are_collections(client: TestClient) -> None:
    assert len(ask(client, "wool 恒星", knowledge_id="sky").json()["records"]) == 1
    assert ask(client, "wool", knowledge_id="sky").json() == {"records": []}
    answer = ask(client, "wool", knowledge_id="nobody's")
    assert answer.status_code == 404
    assert answer.json()["error_code"] == 2001
    assert "farm, kb-ok, sky" in answer.json()["error_msg"]


def test_a_name_of_no_collection_is_told_also_where_conditions_fit_no_video(
    client: TestClient,
) -> None:
    named = [{"name": "collection", "comparison_operator": "is", "value": "farm"}]
    condition = {"logical_operator": "and", "conditions": named}
    answer = ask(client, "wool", knowledge_id="nobody's", metadata_condition=condition)
    assert answer.status_code == 404
    assert "farm, kb-ok, sky" in answer.json()["error_msg"]
    assert found(client, ("collection", "is", "nobody's")) == set()


def test_good_passages_pass_the_usual_threshold_and_nonsense_does_not(client: TestClient) -> None:
    for query in ("How often is wool shorn?", "恒星最后会变成什么？", "chunking strategies"):
        assert ask(client, query, threshold=0.5).json()["records"], query
    for query in ("Who won the football match on the hill in 1998?", "红烧肉怎么做？", "asdf"):
        assert not ask(client, query, threshold=0.5).json()["records"], query


def test_records_are_sorted_and_cut(client: TestClient) -> None:
    """Rule 10: threshold and top_k are ours to apply."""
    records = ask(client, "wool 恒星 chunking strategies", top_k=2).json()["records"]
    scores = [record["score"] for record in records]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    assert ask(client, top_k=0).json() == {"records": []}
    assert len(ask(client, top_k=10**9).json()["records"]) >= 1


def test_a_long_question_is_cut_not_refused(client: TestClient, library: SlowLibrary) -> None:
    assert ask(client, "wool " * 10_000).status_code == 200
    assert len(library.searches[-1][0].text) <= external.MAX_QUERY


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"query": 7}',
        b'{"query": "wool", "retrieval_setting": {"top_k": "many"}}',
        b'{"query": "wool", "metadata_condition": {"conditions": [{"name": "x"}]}}',
        b'{"metadata_condition": {"conditions": [{"name": "x", "comparison_operator": "like"}]}}',
    ],
)
def test_a_body_that_dify_never_sends_is_told_what_is_wrong(
    client: TestClient, body: bytes
) -> None:
    answer = client.post("/retrieval", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error_code"] == external.BAD_REQUEST
    assert answer.json()["error_msg"]


def test_what_may_be_left_out_may_be_left_out(client: TestClient) -> None:
    assert client.post("/retrieval", json={"query": "wool"}).json()["records"]
    assert client.post("/retrieval", json={}).json() == {"records": []}
    nulls = {"query": "wool", "metadata_condition": {"logical_operator": None, "conditions": None}}
    assert client.post("/retrieval", json=nulls).json()["records"]


# filters: what the operators mean is in test_conditions


def test_filters_choose_videos(client: TestClient) -> None:
    assert found(client) == {"sheep", "星", "search"}
    assert found(client, ("title", "is", "sheep")) == {"sheep"}
    assert found(client, ("title", "is not", "sheep")) == {"星", "search"}
    assert found(client, ("collection", "in", ["farm", "sky"])) == {"sheep", "星"}
    assert found(client, ("language", "is", "zh")) == {"星"}
    assert found(client, ("site", "=", "file"), ("duration", "<", 12)) == {"search"}
    assert found(client, ("language", "is", "zh"), ("title", "is", "sheep")) == set()
    either = (("language", "is", "zh"), ("title", "is", "sheep"))
    assert found(client, *either, logic="or") == {"星", "sheep"}


def test_a_video_of_several_collections_is_found_in_each(
    client: TestClient, library: SlowLibrary
) -> None:
    sheep = next(one.video for one in library.videos() if one.video.title == "sheep")
    list(library.add([sheep.url], Wishes(collection="barn")))
    for name in ("farm", "barn"):
        [record, *_] = ask(client, knowledge_id=name).json()["records"]
        assert record["metadata"]["collection"] == "|farm|barn|"
        assert found(client, ("collection", "is", name)) == {"sheep"}
        assert found(client, ("collection", "is not", name)) == {"星", "search"}
        assert found(client, ("collection", "contains", f"|{name}|")) == {"sheep"}
    assert found(client, ("collection", "is", "|farm|barn|")) == {"sheep"}
    assert found(client, ("collection", "in", ["barn", "sky"])) == {"sheep", "星"}
    assert "barn, farm, kb-ok, sky" in ask(client, knowledge_id="far").json()["error_msg"]


def test_an_unknown_field_fits_nothing_but_empty(client: TestClient) -> None:
    assert found(client, ("colour", "is", "red")) == set()
    assert found(client, ("colour", "is not", "red")) == set()
    assert found(client, ("colour", "empty", None)) == {"sheep", "星", "search"}


def test_a_filter_finds_passages_however_many_others_fit_the_question_better(
    client: TestClient, library: SlowLibrary, tmp_path: Path
) -> None:
    lines = [f"shepherd, shepherd {number}" if number < 60 else "hm" for number in range(400)]
    path = write_talk(tmp_path / "long.srt", lines, seconds_each=90.0)
    list(library.add([str(path)]))
    assert {one["title"] for one in ask(client, "shepherd", top_k=20).json()["records"]} == {"long"}
    title = {"conditions": [{"name": "title", "comparison_operator": "is", "value": "sheep"}]}
    [record] = ask(client, "shepherd", metadata_condition=title).json()["records"]
    assert record["title"] == "sheep"


# in time


def test_a_search_that_takes_too_long_is_answered_when_it_is_asked_again(
    client: TestClient, library: SlowLibrary
) -> None:
    """Rule 10: within 3 s."""
    client.app.state.timely = Timely(0.02)  # type: ignore[attr-defined]  # an ASGI callable
    library.may_go.clear()
    for _ in range(2):
        answer = ask(client)
        assert answer.status_code == 503
        assert answer.json()["error_code"] == external.NOT_NOW
    library.may_go.set()
    client.app.state.timely.seconds = 30  # type: ignore[attr-defined]
    assert ask(client).json()["records"]
    assert len(library.searches) == 1


def test_the_limit_leaves_dify_time() -> None:
    assert external.SECONDS < 3


def test_work_that_fails_fails_for_who_asked_and_is_tried_anew() -> None:
    timely: Timely[int] = Timely(30)
    with pytest.raises(ZeroDivisionError):
        timely.get("a", lambda: 1 // 0)
    assert timely.get("a", lambda: 1) == 1
    timely.close()


def test_too_many_waiting_searches_are_refused() -> None:
    timely: Timely[int] = Timely(0.0)
    gate = threading.Event()
    for number in range(64):
        with pytest.raises(Unavailable, match="longer"):
            timely.get(number, lambda: int(gate.wait()))
    with pytest.raises(Unavailable, match="too many"):
        timely.get("more", lambda: 1)
    gate.set()
    timely.close()


def test_a_backend_that_is_away_is_told_in_the_convention(library: SlowLibrary) -> None:
    broken = Library(load_settings({"search": {"knowledge": "nobody"}}))
    with TestClient(
        create_app(broken, keys_required=False), base_url="http://localhost", client=HERE
    ) as local:
        answer = ask(local)
    broken.close()
    assert answer.json()["error_code"] == external.NOT_NOW
    assert "nobody" in answer.json()["error_msg"]


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, "embedded"),
        ({"search": {"knowledge": "dify"}}, "embedded"),
        (
            {"search": {"knowledge": "team"}, "knowledge": {"team": {"use": "dify"}}},
            "embedded",
        ),
        ({"search": {"knowledge": "other"}}, "other"),
    ],
)
def test_dify_is_never_asked_what_it_asks_us(settings: dict[str, Any], base: str) -> None:
    assert base_of(load_settings(settings)) == base


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("top_k", {"query": "wool", "retrieval_setting": {"top_k": -4}}),
        ("query", {"query": "\ud800 wool"}),
        ("knowledge_id", {"query": "wool", "knowledge_id": "\udfff"}),
    ],
)
def test_what_means_nothing_is_refused_naming_the_field(
    client: TestClient, field: str, body: dict[str, Any]
) -> None:
    sent = json.dumps(body)
    headers = {"Content-Type": "application/json"}
    answer = client.post("/retrieval", content=sent, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error_code"] == external.BAD_REQUEST
    assert field in answer.json()["error_msg"]
