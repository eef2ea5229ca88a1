from __future__ import annotations

import inspect

import pytest
from pydantic import BaseModel

from video_rag import (
    answerers,
    composers,
    embedders,
    knowledge,
    observers,
    plugins,
    processors,
    queues,
    renderers,
    rerankers,
    sources,
)
from video_rag.errors import BadSettings, UnknownPlugin
from video_rag.plugins import FAMILIES, Part

PROTOCOLS = {
    "sources": sources.Source,
    "transcribers": processors.Transcriber,
    "samplers": processors.Sampler,
    "readers": processors.Reader,
    "composers": composers.Composer,
    "renderers": renderers.Renderer,
    "embedders": embedders.Embedder,
    "rerankers": rerankers.Reranker,
    "knowledge": knowledge.Knowledge,
    "answerers": answerers.Answerer,
    "queues": queues.Queue,
    "observers": observers.Observer,
}
ALL = [(family, name) for family in FAMILIES for name in sorted(plugins.table(family))]


def test_every_family_has_a_contract() -> None:
    assert set(PROTOCOLS) == set(FAMILIES)


@pytest.mark.parametrize(("family", "name"), ALL)
def test_every_plugin_keeps_its_familys_contract(family: str, name: str) -> None:
    plugin = plugins.load(family, name)
    assert plugin.__doc__
    assert isinstance(plugin.version, int)
    assert issubclass(plugin.Options, BaseModel)
    assert plugin.Options.__doc__
    for field, info in plugin.Options.model_fields.items():
        assert info.description, f"{family}.{name}: {field}"
    for attribute in PROTOCOLS[family].__annotations__.keys() - {"options"}:
        assert hasattr(plugin, attribute), attribute
    methods = inspect.getmembers(PROTOCOLS[family], inspect.isfunction)
    for method, promised in methods:
        if method.startswith("__") and method != "__call__":
            continue
        built = getattr(plugin, method)
        wanted = list(inspect.signature(promised).parameters)
        assert list(inspect.signature(built).parameters)[: len(wanted)] == wanted, method


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownPlugin) as caught:
        plugins.build("knowledge", "nowhere", {})
    assert "embedded" in caught.value.hint


def test_a_wrong_option_names_its_section() -> None:
    with pytest.raises(BadSettings, match=r"\[queues.inline\] colour"):
        plugins.build("queues", "inline", {"colour": "red"})


def test_a_section_may_borrow_another_plugin() -> None:
    queue = plugins.build("queues", "second-line", {"use": "inline"})
    assert type(queue).__name__ == "Inline"


def _key(model: str, **more: object) -> str:
    return Part[object]("transcribers", "whisper", {"model": model, **more}).key


def test_what_does_not_change_results_is_not_in_the_key() -> None:
    assert _key("small") == _key("small", threads=8)
    assert _key("small") != _key("large-v3")


def test_a_new_version_or_name_is_a_new_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _key("small")
    other = Part[object]("transcribers", "mine", {"use": "whisper", "model": "small"})
    assert other.key != before
    monkeypatch.setattr(other.plugin, "version", 99)
    assert _key("small") != before


def test_a_part_is_made_when_first_used_and_once() -> None:
    part: Part[object] = Part("queues", "inline", {})
    assert part.get() is part.get()
