"""Our answerers keep the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from video_rag.answerers.extractive import Extractive
from video_rag.answerers.openai import OpenAI
from video_rag.testing.answerer_contract import ANSWER, AnswererTests
from video_rag.testing.llm import LlmServer, Request


class TestExtractive(AnswererTests):
    @pytest.fixture
    def answerer(self) -> Extractive:
        return Extractive(Extractive.Options())


class TestOpenAI(AnswererTests):
    @pytest.fixture
    def answerer(self) -> Iterator[OpenAI]:
        def script(request: Request) -> str:
            return ANSWER if request.streamed else '{"intent": "question"}'

        with LlmServer(script) as server:
            yield OpenAI(OpenAI.Options(base_url=server.base_url, model="test"))
