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
from video_rag.plugins import FAMILIES, Options, inert, key_of

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


class Coloured:
    version = 1

    class Options(Options):
        colour: str = "red"
        threads: int = inert(1, description="How many.")

    def __init__(self, options: Options) -> None:
        self.options = options


def test_what_does_not_change_results_is_not_in_the_key() -> None:
    def key(**values: object) -> str:
        return key_of("coloured", Coloured(Coloured.Options.model_validate(values)))

    assert key() == key(threads=8)
    assert key() != key(colour="blue")


def test_a_new_version_is_a_new_key(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = Coloured(Coloured.Options())
    before = key_of("coloured", plugin)
    monkeypatch.setattr(Coloured, "version", 2)
    assert key_of("coloured", plugin) != before
    assert key_of("other", plugin) != key_of("coloured", plugin)
