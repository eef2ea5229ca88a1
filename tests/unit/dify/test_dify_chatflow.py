"""Chatflows: valid by the rules of a running Dify, alike those that it ran, and editable."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from video_rag.answerers._dify_marks import linked
from video_rag.dify.chatflow import VARIANTS, Design, Model, build, write
from video_rag.dify.dsl_rules import check
from video_rag.dify.linking import LinkRule
from video_rag.dify.opening import Talk
from video_rag.dify.wording import LANGUAGES, PROMPTS, Texts, write_prompts
from video_rag.errors import BadSettings, UsageError

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "dify"
DATASET = "206a2cbb-1840-421a-a6da-b86c0ce92204"
OTHER = "8c19e68a-03d8-47d9-8a3a-3342c6dadf90"
MODEL = Model("langgenius/openai/openai", "gpt-4o-mini")
TALKS = (
    Talk("Neural networks", ("Introduction", "What is a perceptron?", "Gradient descent"), "en"),
    Talk("机器学习", ("绪论", "什么是过拟合", "正则化"), "zh"),
)
RULE = LinkRule("⟦youtube:ID@START-END⟧", "https://www.youtube.com/watch?v=ID&t=STARTs")
EVERY = [(variant, language) for variant in VARIANTS for language in LANGUAGES]


def designed(**more: Any) -> Design:
    values = {"dataset_ids": (DATASET,), "model": MODEL, "talks": TALKS, "link_rules": (RULE,)}
    return Design(**{**values, **more})


def nodes(dsl: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row["data"] for row in dsl["workflow"]["graph"]["nodes"]}


def edges(dsl: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = dsl["workflow"]["graph"]["edges"]
    return rows


def recorded(name: str) -> dict[str, Any]:
    """The DSL that a real Dify took, from the recording of its import."""
    sent = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))["request"]["json"]
    dsl: dict[str, Any] = yaml.safe_load(sent["yaml_content"])
    return dsl


# what is written


@pytest.mark.parametrize(("variant", "language"), EVERY)
def test_every_variant_in_every_language_is_valid(variant: Any, language: Any) -> None:
    assert check(build(designed(variant=variant, language=language))) == []


@pytest.mark.parametrize(("variant", "language"), EVERY)
def test_the_file_says_what_was_built_and_quotes_its_version(variant: Any, language: Any) -> None:
    design = designed(variant=variant, language=language)
    text = write(design)
    assert yaml.safe_load(text) == build(design)
    assert re.search(r'^version: "0\.3\.0"$', text, re.MULTILINE)
    assert "&id" not in text  # no YAML references
    assert text == write(design)


@pytest.mark.parametrize(("variant", "language"), EVERY)
def test_datasets_are_plain_ids_in_every_search(variant: Any, language: Any) -> None:
    dsl = build(designed(variant=variant, language=language, dataset_ids=(DATASET, OTHER)))
    searching = [n for n in nodes(dsl).values() if n["type"] == "knowledge-retrieval"]
    assert searching
    assert all(n["dataset_ids"] == [DATASET, OTHER] for n in searching)
    assert all(n["multiple_retrieval_config"]["reranking_enable"] is False for n in searching)


@pytest.mark.parametrize(("variant", "language"), EVERY)
def test_nodes_stand_apart_and_lead_to_the_right(variant: Any, language: Any) -> None:
    graph = build(designed(variant=variant, language=language))["workflow"]["graph"]
    outer = {row["id"]: row["position"] for row in graph["nodes"] if "parentId" not in row}
    assert len({(at["x"], at["y"]) for at in outer.values()}) == len(outer)
    for edge in graph["edges"]:
        if edge["source"] in outer:
            assert outer[edge["source"]]["x"] < outer[edge["target"]]["x"]


def test_a_model_by_itself_decides_nothing_about_the_node_ids() -> None:
    one, two = build(designed()), build(designed(model=Model("a/b/c", "d")))
    assert nodes(one).keys() == nodes(two).keys()
    prompts = [nodes(dsl)["summarise"]["prompt_template"][0]["id"] for dsl in (one, two)]
    assert prompts[0] == prompts[1]


PROVEN: dict[str, dict[str, set[str]]] = {
    "branching/br-01-import": {
        "parameter-extractor": set(),
        "if-else": set(),
        "knowledge-retrieval": {"metadata_filtering_conditions"},
        "variable-aggregator": set(),
        "answer": set(),
    },
    "chatflow/con-20i-import-0.3.0": {
        "start": set(),
        "llm": {"structured_output_enabled", "structured_output"},
    },
    "no-daemon/nd-10-import-retrieval-only": {"knowledge-retrieval": set(), "answer": set()},
}
"""Recordings, and what of their nodes is not needed."""


@pytest.mark.parametrize("name", PROVEN)
def test_nodes_and_edges_have_the_fields_of_those_that_a_real_dify_ran(name: str) -> None:
    ours: dict[str, dict[str, Any]] = {}
    for data in nodes(build(designed())).values():
        ours.setdefault(data["type"], {}).update(data)
    theirs = recorded(name)
    for data in nodes(theirs).values():
        if data["type"] in PROVEN[name]:
            needed = set(data) - PROVEN[name][data["type"]]
            assert needed <= set(ours[data["type"]]), data["type"]
    assert {frozenset(row) for row in edges(theirs)} == {
        frozenset(row) for row in edges(build(designed()))
    }
    ours_top = build(designed())
    assert set(theirs) == set(ours_top)
    assert set(theirs["app"]) == set(ours_top["app"])
    assert set(theirs["workflow"]) == set(ours_top["workflow"])
    assert set(theirs["workflow"]["features"]) == set(ours_top["workflow"]["features"])


@pytest.mark.parametrize("name", PROVEN)
def test_the_rules_have_nothing_against_what_a_real_dify_ran(name: str) -> None:
    assert check(recorded(name)) == []


def test_an_economy_dataset_is_asked_with_keywords_and_others_with_the_question() -> None:
    by_words = nodes(build(designed(wording="keywords")))["search"]
    by_question = nodes(build(designed(wording="question")))["search"]
    assert by_words["query_variable_selector"] == ["understand", "keywords"]
    assert by_question["query_variable_selector"] == ["understand", "question"]


def test_what_is_not_understood_is_searched_for_as_it_was_asked() -> None:
    dsl = build(designed())
    way = [
        e["target"] for e in edges(dsl) if (e["source"], e["sourceHandle"]) == ("route", "false")
    ]
    assert way == ["search_as_asked"]
    assert nodes(dsl)["search_as_asked"]["query_variable_selector"] == ["sys", "query"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_small_talk_and_off_topic_are_answered_in_both_languages_without_a_search(
    language: Any,
) -> None:
    dsl = build(designed(language=language))
    replies = nodes(dsl)
    for kind in ("small_talk", "off_topic"):
        assert "videos" in replies[f"{kind}_en"]["answer"]
        assert "视频" in replies[f"{kind}_zh"]["answer"]
        assert "What is a perceptron?" in replies[f"{kind}_en"]["answer"]
        assert "什么是过拟合？" in replies[f"{kind}_zh"]["answer"]
        before = {e["source"] for e in edges(dsl) if e["target"].startswith(kind)}
        assert before == {"route"}


def test_the_language_of_the_flow_answers_for_all_languages_but_the_other() -> None:
    for language, other in (("en", "zh"), ("zh", "en")):
        cases = nodes(build(designed(language=language)))["route"]["cases"]
        assert [case["case_id"] for case in cases][:2] == [
            f"small_talk_{other}",
            f"small_talk_{language}",
        ]
        assert [c["value"] for c in cases[0]["conditions"]] == ["small_talk", other]
        assert [c["value"] for c in cases[1]["conditions"]] == ["small_talk"]


def test_without_a_passage_no_model_is_asked() -> None:
    dsl = build(designed())
    assert {e["source"] for e in edges(dsl) if e["target"] == "summarise"} == {"found"}
    first = nodes(dsl)["found"]["cases"][0]["conditions"][0]
    assert first["variable_selector"] == ["passages", "output"]
    assert first["comparison_operator"] == "not empty"


def test_the_answering_model_is_given_the_passages_the_talk_so_far_and_the_link_rules() -> None:
    data = nodes(build(designed()))["summarise"]
    text = data["prompt_template"][0]["text"]
    assert "{{#context#}}" in text
    assert str(RULE) in text
    assert data["context"] == {"enabled": True, "variable_selector": ["passages", "output"]}
    assert data["memory"]["query_prompt_template"] == "{{#sys.query#}}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_rule_the_model_is_told_to_make_no_links_up(language: Any) -> None:
    data = nodes(build(designed(language=language, link_rules=())))["summarise"]
    text = data["prompt_template"][0]["text"]
    assert {"en": "without a link", "zh": "不加链接"}[language] in text
    assert "$links" not in text


def test_a_reranker_is_named_in_every_search() -> None:
    design = designed(reranker=Model("langgenius/cohere/cohere", "rerank-3"), score_threshold=0.4)
    config = nodes(build(design))["search"]["multiple_retrieval_config"]
    assert config["reranking_enable"] is True
    assert config["reranking_model"] == {
        "provider": "langgenius/cohere/cohere",
        "model": "rerank-3",
    }
    assert config["score_threshold"] == 0.4
    assert check(build(design)) == []


def listing(*rows: dict[str, Any], top_k: int = 8) -> str:
    """What the Chatflow without a model shows of these search results."""
    rules = [LinkRule("⟦youtube:ID@START-END⟧", "https://www.youtube.com/watch?v=ID&t=STARTs")]
    design = designed(variant="keyword-only", model=None, link_rules=rules, top_k=top_k)
    dsl = build(design)
    assert check(dsl) == []
    assert not {"llm", "parameter-extractor"} & {n["type"] for n in nodes(dsl).values()}
    assert nodes(dsl)["answer"]["answer"] == "{{#passages.output#}}"
    template = jinja2.Template(nodes(dsl)["passages"]["template"])
    return template.render(passages=list(rows))


def result(content: str, title: str | None = "A [talk]") -> dict[str, Any]:
    told = {"title": title} if title else None
    return {"content": content, "title": "x.md", "metadata": {"doc_metadata": told, "score": 0.0}}


def test_keyword_only_lists_links_with_title_and_time_and_no_marks() -> None:
    footer = "— [A talk 1:01:05](https://www.youtube.com/watch?v=abc) · Sheep"
    said = listing(
        result(f"Sheep eat grass.\nA slide.\n{footer}\n⟦youtube:abc@3665.5-3700⟧"),
        result("Their wool is warm.\n⟦file:0123@7-9.5⟧"),
        result("Somebody's own words.", None),
    )
    link = "https://www.youtube.com/watch?v=abc&t=3665s"
    assert said == (
        f'1. [A (talk) 1:01:05]({link} "youtube:abc@3665.5-3700")'
        "\n\n   > Sheep eat grass.\n   > A slide.\n\n"
        "2. A (talk) 0:07\n\n   > Their wool is warm.\n\n"
        "3. x.md 0:00\n\n   > Somebody's own words.\n\n"
    )
    read = [(row.metadata.get("video_id"), row.metadata["start"]) for row in linked(said)]
    assert read == [("youtube:abc", 3665.5), (None, 7.0), (None, 0.0)]


def test_keyword_only_lists_no_more_than_was_asked_for() -> None:
    rows = [result(f"Number {n}.\n⟦youtube:abc@{n}-{n + 1}⟧") for n in range(148)]
    assert re.findall(r"(?m)^\d+", listing(*rows, top_k=5)) == ["1", "2", "3", "4", "5"]


def test_plain_keyword_only_is_the_flow_that_ran_without_plugin_daemon() -> None:
    dsl = build(designed(variant="keyword-only", model=None, plain=True))
    assert check(dsl) == []
    assert {n["type"] for n in nodes(dsl).values()} == {
        "start",
        "knowledge-retrieval",
        "if-else",
        "answer",
    }
    assert nodes(dsl)["answer"]["answer"] == "{{#search.result#}}"


# what is said first


@pytest.mark.parametrize("language", LANGUAGES)
def test_opening_and_questions_come_from_the_videos(language: Any) -> None:
    features = build(designed(language=language))["workflow"]["features"]
    title, question = {
        "en": ("Neural networks", "What is a perceptron?"),
        "zh": ("机器学习", "什么是过拟合？"),
    }[language]
    assert title in features["opening_statement"]
    assert question in features["suggested_questions"]
    assert 3 <= len(features["suggested_questions"]) <= 4


@pytest.mark.parametrize(("variant", "language"), EVERY)
def test_an_empty_library_makes_a_valid_flow(variant: Any, language: Any) -> None:
    dsl = build(designed(variant=variant, language=language, talks=(), link_rules=()))
    assert check(dsl) == []
    assert "$" not in dsl["workflow"]["features"]["opening_statement"]


titles = st.text(max_size=60)


@given(
    st.lists(st.builds(Talk, titles, st.lists(titles, max_size=4).map(tuple)), max_size=4),
    st.sampled_from(LANGUAGES),
)
def test_no_title_breaks_the_flow_or_the_file(talks: list[Talk], language: Any) -> None:
    design = designed(talks=tuple(talks), language=language)
    assert check(build(design)) == []
    assert yaml.safe_load(write(design)) == build(design)


def test_a_title_that_looks_like_a_variable_is_none() -> None:
    dsl = build(designed(talks=[Talk("About {{#sys.user_id#}} and $links", (), "en")]))
    assert "{{#sys.user_id#}}" not in json.dumps(dsl)
    assert "and $links" in dsl["workflow"]["features"]["opening_statement"]


# own prompts


def test_a_prompt_in_the_own_folder_takes_the_place_of_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "small_talk.en.txt").write_text("Hi. Try:\n$questions\n", "utf-8")
    replies = nodes(build(designed(prompts=tmp_path)))
    assert replies["small_talk_en"]["answer"].startswith("Hi. Try:\n- What is a perceptron?")
    assert replies["off_topic_en"]["answer"].startswith("I can only answer")


def test_the_built_in_prompts_are_laid_out_once_and_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "answer.en.txt").write_text("mine {{#context#}}", "utf-8")
    write_prompts(tmp_path)
    names = {file.name for file in tmp_path.iterdir()}
    assert names == {f"{name}.{language}.txt" for name in PROMPTS for language in LANGUAGES}
    assert (tmp_path / "answer.en.txt").read_text("utf-8") == "mine {{#context#}}"
    text = nodes(build(designed(prompts=tmp_path)))["summarise"]["prompt_template"][0]["text"]
    assert text == "mine {{#context#}}"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("answer.en.txt", "Answer the question."),
        ("answer.en.txt", "{{#context#}} in {{#nobody.language#}}"),
        ("answer.en.txt", "{{#context#}} of {{#answer.answer#}}"),
        ("understand.en.txt", "For {{#summarise.text#}}"),
    ],
)
def test_a_prompt_that_would_fail_in_dify_is_refused(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text, "utf-8")
    with pytest.raises(BadSettings, match="no valid Chatflow"):
        write(designed(prompts=tmp_path))


def test_a_prompt_that_is_no_text_and_a_folder_that_is_none_are_told(tmp_path: Path) -> None:
    (tmp_path / "opening.en.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSettings, match=r"cannot read .*opening\.en\.txt"):
        write(designed(prompts=tmp_path))
    with pytest.raises(BadSettings, match="no folder"):
        write(designed(prompts=tmp_path / "nowhere"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PROMPTS)
def test_every_placeholder_of_a_built_in_prompt_is_filled(name: str, language: Any) -> None:
    assert not re.search(r"\$\w", Texts(language, TALKS, (RULE,))(name))


# what is refused


@pytest.mark.parametrize("ids", [(), ("knowledge",), (DATASET, "5"), ("dataset-abc",)])
def test_what_is_no_id_of_a_dataset_is_refused(ids: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="dataset"):
        designed(dataset_ids=ids)


@pytest.mark.parametrize("variant", ["model", "external"])
def test_a_variant_with_a_model_wants_one(variant: Any) -> None:
    with pytest.raises(UsageError, match="needs a language model"):
        designed(variant=variant, model=None)


@pytest.mark.parametrize(
    ("text", "provider", "name"),
    [
        ("openai/gpt-4o", "langgenius/openai/openai", "gpt-4o"),
        ("google/gemini-2.0", "langgenius/gemini/google", "gemini-2.0"),
        ("langgenius/openai/openai/gpt-4o", "langgenius/openai/openai", "gpt-4o"),
        ("a/b/c/meta/llama-3", "a/b/c", "meta/llama-3"),
        ("ollama/meta/llama-3", "langgenius/ollama/ollama", "meta/llama-3"),
    ],
)
def test_models_are_named_by_provider_and_name(text: str, provider: str, name: str) -> None:
    assert Model.parse(text) == Model(provider, name)


@pytest.mark.parametrize("text", ["", "gpt-4o", "openai/", "/gpt", "langgenius/openai/openai"])
def test_half_a_name_of_a_model_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="names no model"):
        Model.parse(text)


# the rules


def _drop_edge(dsl: Any) -> None:
    del dsl["workflow"]["graph"]["edges"][-1]


def _set(node: str, *path: Any, to: Any) -> Callable[[Any], None]:
    def change(dsl: Any) -> None:
        place = nodes(dsl)[node]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _top(*path: str, to: Any) -> Callable[[Any], None]:
    def change(dsl: Any) -> None:
        place = dsl
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


def _edge(number: int, key: str, to: Any) -> Callable[[Any], None]:
    def change(dsl: Any) -> None:
        edges(dsl)[number][key] = to

    return change


CONFIG = "multiple_retrieval_config"
FAULTS: dict[str, tuple[Callable[[Any], None], str]] = {
    "a version that is a number": (_top("version", to=0.3), "version"),
    "no version": (_top("version", to=None), "version"),
    "another kind": (_top("kind", to="workflow"), "kind"),
    "another mode": (_top("app", "mode", to="workflow"), "advanced-chat"),
    "no sources": (
        _top("workflow", "features", "retriever_resource", to={"enabled": False}),
        "retriever_resource",
    ),
    "questions that are none": (
        _top("workflow", "features", "suggested_questions", to=["", "?"]),
        "suggested_questions",
    ),
    "an encrypted dataset": (_set("search", "dataset_ids", to=["q9/8dKl+3w=="]), "UUID"),
    "no dataset": (_set("search", "dataset_ids", to=[]), "UUID"),
    "reranking left open": (_set("search", CONFIG, to={"top_k": 4}), "reranking_enable"),
    "a reranker without a name": (
        _set("search", CONFIG, to={"top_k": 4, "reranking_enable": True}),
        "reranking_model",
    ),
    "nothing to be found": (
        _set("search", CONFIG, to={"top_k": 0, "reranking_enable": False}),
        "top_k",
    ),
    "a way that leads nowhere": (_edge(0, "target", "nobody"), "not there"),
    "a case that is not there": (_edge(2, "sourceHandle", "true"), "no way out"),
    "another type at the end": (
        _edge(0, "data", {"sourceType": "start", "targetType": "llm"}),
        "sourceType",
    ),
    "a case that leads nowhere": (_drop_edge, "nothing follows"),
    "an unknown variable": (
        _set("search", "query_variable_selector", to=["understand", "topic"]),
        "understand.topic",
    ),
    "a later variable": (_set("understand", "query", to=["summarise", "text"]), "summarise.text"),
    "no model": (_set("understand", "model", "name", to=""), "provider, name"),
    "a context that is not shown": (
        _set("summarise", "prompt_template", 0, "text", to="Answer."),
        "context",
    ),
    "a question sent twice": (
        _set("summarise", "prompt_template", 0, "role", to="user"),
        "twice",
    ),
    "no context field": (lambda dsl: nodes(dsl)["summarise"].pop("context"), "lacks context"),
    "a choice of nothing": (_set("understand", "parameters", 0, "options", to=[]), "select"),
    "a parameter without description": (
        lambda dsl: nodes(dsl)["understand"]["parameters"][1].pop("description"),
        "lacks a field",
    ),
    "an operator that is none": (
        _set("route", "cases", 0, "conditions", 0, "comparison_operator", to="=="),
        "compare",
    ),
    "a case without conditions": (_set("route", "cases", 0, "conditions", to=[]), "conditions"),
    "a node type that nobody saw": (_set("passages", "type", to="code"), "seen at work"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(fault: str) -> None:
    spoil, words = FAULTS[fault]
    dsl = copy.deepcopy(build(designed()))
    spoil(dsl)
    assert any(words in found for found in check(dsl)), check(dsl)


def test_two_nodes_of_one_name_a_circle_and_a_lost_node_are_found() -> None:
    dsl = build(designed())
    rows = dsl["workflow"]["graph"]["nodes"]
    rows.append(copy.deepcopy(rows[-1]))
    assert "two nodes have the same id" in check(dsl)
    dsl = build(designed())
    edges(dsl)[-1]["target"] = "understand"
    edges(dsl)[-1]["data"]["targetType"] = "parameter-extractor"
    assert any("leads back to itself" in fault for fault in check(dsl))
    assert any("cannot be reached" in fault for fault in check(dsl))


def test_nothing_at_all_is_no_flow() -> None:
    assert len(check({})) >= 4
