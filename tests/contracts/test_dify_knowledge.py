"""Dify against the contract of knowledge bases, on datasets of both kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dify_bases import base_of, server
from video_rag.knowledge import Knowledge
from video_rag.knowledge.dify import Dify
from video_rag.model import Query
from video_rag.testing.knowledge_contract import (
    VOLCANO,
    KnowledgeTests,
    give,
    lecture,
)


class TestEconomy(KnowledgeTests):
    @pytest.fixture
    def base(self, tmp_path: Path) -> Iterator[Dify]:
        with server() as dify:
            yield base_of(dify, tmp_path)


class TestEconomyWithKeywordsOfOurOwn(KnowledgeTests):
    @pytest.fixture
    def base(self, tmp_path: Path) -> Iterator[Dify]:
        with server() as dify:
            yield base_of(dify, tmp_path, keywords=True)


class _ByMeaning(KnowledgeTests):
    """Vectors give the nearest passages, however far they are: what is not there is not empty."""

    def test_publishing_again_replaces_what_was_there(self, base: Knowledge) -> None:
        """Every passage is one of the new ones."""
        give(base, lecture())
        give(base, lecture(VOLCANO))
        hits = base.search(Query(text="cartilage"))
        assert {hit.chunk.text for hit in hits} == set(VOLCANO)

    def test_scores_are_positive(self, base: Knowledge) -> None:
        """Cosines of what does not fit are zero or less, and reranking models score as they do."""

    def test_chinese_is_found_in_either_script(self, base: Knowledge) -> None:
        """The embedding model decides, and the stand-in for one knows no scripts."""


class TestHighQuality(_ByMeaning):
    @pytest.fixture
    def base(self, tmp_path: Path) -> Iterator[Dify]:
        with server() as dify:
            yield base_of(dify, tmp_path, "high-quality")


class TestParentChild(_ByMeaning):
    @pytest.fixture
    def base(self, tmp_path: Path) -> Iterator[Dify]:
        with server() as dify:
            yield base_of(dify, tmp_path, "high-quality", segmentation="parent-child")
