"""A Chatflow that answers from the videos: intent, search, cited answer.

The full flow, as an engineer would draw it::

    start → understand → route ─┬→ small talk, off topic: a fixed reply
                                ├→ search by what was understood ─┐
                                └→ search by the words as they are ┴→ found? ─┬→ summarise → answer
                                                                              └→ nothing found

`understand` is a parameter extractor that works by prompt, not a language model with structured
output: it runs on every chat model, and where the reply is no JSON it goes on with empty values
(`route` then searches by the words as they are), while structured output fails the whole run.
The flow without a model lists the passages, each with a link that has its title and time::

    start → search → found? ─┬→ list: a template → answer
                             └→ nothing found

Only that template needs Dify's code sandbox, and it alone was not seen at work on a real 1.16.1.
`plain` does without it and prints the records as Dify gives them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from video_rag.dify.dsl import (
    DSL_VERSION,
    Json,
    case,
    condition,
    dump,
    edge,
    message,
    node,
)
from video_rag.dify.dsl_rules import check, is_uuid
from video_rag.dify.linking import LinkRule
from video_rag.dify.opening import Language, Talk
from video_rag.dify.wording import LABELS, PARAMETERS, Texts, other_than, passages_template
from video_rag.errors import BadSettings, UsageError

__all__ = ["Design", "Model", "Reranker", "build", "check", "write"]

Variant = Literal["model", "keyword-only", "external"]
Wording = Literal["keywords", "question"]
VARIANTS: tuple[str, ...] = get_args(Variant)
MEMORY = 10
"""So many earlier messages a model is given."""


@dataclass(frozen=True)
class Model:
    """A model of Dify: the provider as `author/plugin/provider`, and the model's name."""

    provider: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Model:
        """`langgenius/openai/openai/gpt-4o-mini`, or `openai/gpt-4o-mini` for short.

        Raises `UsageError` when provider or name is missing.
        """
        parts = [part.strip() for part in text.split("/")]
        if len(parts) < 2 or not all(parts) or (len(parts) == 3 and parts[1] == parts[2]):
            raise UsageError(
                f"{text!r} names no model",
                hint="give provider/name, such as langgenius/openai/openai/gpt-4o-mini; "
                "Dify shows both under Settings → Model Provider",
            )
        if len(parts) > 3:
            return cls("/".join(parts[:3]), "/".join(parts[3:]))
        return cls(_full_provider(parts[0]), "/".join(parts[1:]))


Reranker = Model
"""A rerank model is named like a language model."""


@dataclass(frozen=True)
class Design:
    """What a Chatflow is made of. Raises `UsageError` for what cannot be."""

    dataset_ids: Sequence[str]
    model: Model | None = None
    variant: Variant = "model"
    language: Language = "en"
    wording: Wording = "question"
    """What the datasets are asked with: keywords for economy, the question for the others."""
    talks: Sequence[Talk] = ()
    link_rules: Sequence[LinkRule] = ()
    name: str = ""
    top_k: int = 8
    score_threshold: float | None = None
    reranker: Reranker | None = None
    prompts: Path | None = None
    """Folder with own prompts; those it lacks are the built-in ones."""
    plain: bool = False
    """Only for keyword-only: print the records as they are, for servers without a sandbox."""

    def __post_init__(self) -> None:
        wrong = [id_ for id_ in self.dataset_ids if not is_uuid(id_)]
        if wrong or not self.dataset_ids:
            raise UsageError(
                f"{wrong[0]!r} is no id of a dataset" if wrong else "no dataset is named",
                hint="take the id from the dataset's address in Dify: /datasets/<id>/documents",
            )
        if self.variant != "keyword-only" and self.model is None:
            raise UsageError(
                f"the variant {self.variant} needs a language model",
                hint="name one with --model, or take --variant keyword-only",
            )


def write(design: Design) -> str:
    """The DSL file. Raises `BadSettings` when own prompts make the flow invalid."""
    dsl = build(design)
    if faults := check(dsl):
        raise BadSettings(
            f"this is no valid Chatflow: {'; '.join(faults)}",
            hint="mend your prompts: the answer needs {{#context#}}; other variables must exist",
        )
    comment = (
        "A Chatflow made by video-rag. Import it in Dify: Studio → Import DSL file.\n"
        "DSL of Dify 1.5; tried on 1.16.1, which imports it with the remark that it is older."
    )
    return dump(dsl, comment)


def build(design: Design) -> Json:
    """The DSL as a value, laid out from left to right."""
    texts = Texts(design.language, design.talks, design.link_rules, design.prompts)
    flow = _keyword_flow if design.variant == "keyword-only" else _full_flow
    label = LABELS[design.language]
    return {
        "kind": "app",
        "version": DSL_VERSION,
        "app": {
            "name": design.name or label["app"],
            "description": label["description"],
            "mode": "advanced-chat",
            "icon_type": "emoji",
            "icon": "🎬",
            "icon_background": "#FFEAD5",
            "use_icon_as_answer_icon": False,
        },
        "dependencies": [],
        "workflow": {
            "conversation_variables": [],
            "environment_variables": [],
            "features": _features(texts),
            "graph": {"viewport": {"x": 40, "y": 120, "zoom": 0.7}, **flow(design, texts)},
        },
    }


def _full_flow(design: Design, texts: Texts) -> Json:
    label = LABELS[design.language]
    start = node("start", "start", label["start"], (0, 1), variables=[])
    understand = _understand(design, texts)
    route = _route(design.language)
    search = _retrieve(design, "search", [understand["id"], design.wording], (3, 2.4))
    as_asked = _retrieve(design, "search_as_asked", ["sys", "query"], (3, 3.6))
    merge = node(
        "passages",
        "variable-aggregator",
        label["passages"],
        (4, 3),
        output_type="array[object]",
        variables=[["search", "result"], ["search_as_asked", "result"]],
    )
    found = _found(design.language)
    summarise = _summarise(design, texts)
    answer = _reply("answer", label["answer"], (7, 2), "{{#summarise.text#}}")
    replies = {
        f"{kind}_{language}": _reply(
            f"{kind}_{language}", f"{label[kind]} ({language})", at, texts(kind, language)
        )
        for kind, language, at in _replies(design.language)
    }
    edges = [
        edge(start, understand),
        edge(understand, route),
        *(edge(route, replies[handle], handle) for handle in replies if "nothing" not in handle),
        edge(route, search, "search"),
        edge(route, as_asked, "false"),
        edge(search, merge),
        edge(as_asked, merge),
        edge(merge, found),
        edge(found, summarise, "found"),
        edge(found, replies[f"nothing_found_{other_than(design.language)}"], "nothing_found_other"),
        edge(found, replies[f"nothing_found_{design.language}"], "false"),
        edge(summarise, answer),
    ]
    nodes = [start, understand, route, search, as_asked, merge, found, summarise, answer]
    return {"nodes": [*nodes, *replies.values()], "edges": edges}


def _keyword_flow(design: Design, texts: Texts) -> Json:
    label = LABELS[design.language]
    start = node("start", "start", label["start"], (0, 1), variables=[])
    search = _retrieve(design, "search", ["sys", "query"], (1, 1))
    condition_ = condition(["search", "result"], "not empty", kind="array[object]")
    found = node("found", "if-else", label["found"], (2, 1), cases=[case("found", condition_)])
    nothing = _reply("nothing_found", label["nothing_found"], (3, 2.4), texts("nothing_found"))
    edges = [edge(start, search), edge(search, found), edge(found, nothing, "false")]
    if design.plain:
        answer = _reply("answer", label["answer"], (3, 1), "{{#search.result#}}")
        nodes = [start, search, found, answer, nothing]
        return {"nodes": nodes, "edges": [*edges, edge(found, answer, "found")]}
    listing = node(
        "passages",
        "template-transform",
        label["passages"],
        (3, 1),
        template=passages_template(design.link_rules, design.top_k),
        variables=[{"variable": "passages", "value_selector": ["search", "result"]}],
    )
    answer = _reply("answer", label["answer"], (4, 1), "{{#passages.output#}}")
    edges += [edge(found, listing, "found"), edge(listing, answer)]
    return {"nodes": [start, search, found, listing, answer, nothing], "edges": edges}


def _understand(design: Design, texts: Texts) -> Json:
    described = PARAMETERS[design.language]
    parameters: list[Json] = [
        {"name": name, "type": "string", "required": True, "description": description}
        for name, description in described.items()
    ]
    parameters[0] |= {"type": "select", "options": ["question", "small_talk", "off_topic"]}
    return node(
        "understand",
        "parameter-extractor",
        LABELS[design.language]["understand"],
        (1, 1),
        model=_model(design, temperature=0),
        query=["sys", "query"],
        parameters=parameters,
        instruction=texts("understand"),
        reasoning_mode="prompt",
        memory=_memory(""),
        vision={"enabled": False},
    )


def _route(language: Language) -> Json:
    """Only what is surely no question goes without a search."""
    other = other_than(language)
    spoken = condition(["understand", "language"], "start with", other)
    cases = []
    for kind in ("small_talk", "off_topic"):
        intent = condition(["understand", "intent"], "is", kind)
        cases += [case(f"{kind}_{other}", intent, spoken), case(f"{kind}_{language}", intent)]
    understood = [condition(["understand", name], "not empty") for name in ("question", "keywords")]
    cases.append(case("search", *understood))
    return node("route", "if-else", LABELS[language]["route"], (2, 1), cases=cases)


def _found(language: Language) -> Json:
    """Without a passage nobody is asked to sum up: a model might answer from what it knows."""
    cases = [
        case("found", condition(["passages", "output"], "not empty", kind="array[object]")),
        case(
            "nothing_found_other",
            condition(["understand", "language"], "start with", other_than(language)),
        ),
    ]
    return node("found", "if-else", LABELS[language]["found"], (5, 3), cases=cases)


def _summarise(design: Design, texts: Texts) -> Json:
    return node(
        "summarise",
        "llm",
        LABELS[design.language]["summarise"],
        (6, 2),
        model=_model(design, temperature=0.2),
        prompt_template=[message("summarise", "system", texts("answer"))],
        context={"enabled": True, "variable_selector": ["passages", "output"]},
        memory=_memory("{{#sys.query#}}"),
        vision={"enabled": False},
    )


def _retrieve(design: Design, id_: str, query: Sequence[str], at: tuple[float, float]) -> Json:
    config: Json = {
        "top_k": design.top_k,
        "score_threshold": design.score_threshold,
        "reranking_enable": design.reranker is not None,
        "reranking_mode": "reranking_model",
    }
    if design.reranker:
        names = {"provider": design.reranker.provider, "model": design.reranker.name}
        config["reranking_model"] = names
    return node(
        id_,
        "knowledge-retrieval",
        LABELS[design.language][id_],
        at,
        query_variable_selector=list(query),
        dataset_ids=list(design.dataset_ids),
        retrieval_mode="multiple",
        multiple_retrieval_config=config,
        metadata_filtering_mode="disabled",
    )


def _reply(id_: str, title: str, at: tuple[float, float], text: str) -> Json:
    return node(id_, "answer", title, at, variables=[], answer=text)


def _replies(language: Language) -> list[tuple[str, Language, tuple[float, float]]]:
    """The fixed replies in both languages, and where they stand on the canvas."""
    other = other_than(language)
    return [
        ("small_talk", other, (3, -4)),
        ("small_talk", language, (3, -2.4)),
        ("off_topic", other, (3, -0.8)),
        ("off_topic", language, (3, 0.8)),
        ("nothing_found", other, (6, 3.4)),
        ("nothing_found", language, (6, 4.6)),
    ]


def _model(design: Design, temperature: float) -> Json:
    model = design.model or Model("", "")
    return {
        "provider": model.provider,
        "name": model.name,
        "mode": "chat",
        "completion_params": {"temperature": temperature},
    }


def _memory(query: str) -> Json:
    memory: Json = {
        "role_prefix": {"user": "", "assistant": ""},
        "window": {"enabled": True, "size": MEMORY},
    }
    return {"query_prompt_template": query, **memory} if query else memory


def _features(texts: Texts) -> Json:
    return {
        "file_upload": {"enabled": False},
        "opening_statement": texts("opening"),
        "retriever_resource": {"enabled": True},
        "sensitive_word_avoidance": {"enabled": False},
        "speech_to_text": {"enabled": False},
        "suggested_questions": texts.questions,
        "suggested_questions_after_answer": {"enabled": False},
        "text_to_speech": {"enabled": False, "language": "", "voice": ""},
    }


def _full_provider(name: str) -> str:
    """Dify's own way to lengthen a provider's short name; only Google's plug-in is named apart."""
    return f"langgenius/{'gemini' if name == 'google' else name}/{name}"
