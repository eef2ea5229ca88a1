"""Ids that Dify cannot be asked again are kept in a file."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.dify.state import State
from video_rag.errors import BadSettings

URL = "https://dify.example/v1"


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "home" / "dify.json")


def test_what_was_kept_is_there_for_the_next_process(state: State) -> None:
    state.keep(URL, "dataset", "one")
    assert State(state.path).get(URL, "dataset") == "one"


def test_what_was_never_kept_is_empty(state: State) -> None:
    assert state.get(URL, "dataset") == ""
    state.keep(URL, "dataset", "one")
    assert state.get(URL, "app") == ""


def test_servers_are_kept_apart_whatever_the_last_slash(state: State) -> None:
    state.keep(URL, "dataset", "one")
    state.keep("https://other.example/v1/", "dataset", "two")
    assert state.get(f"{URL}/", "dataset") == "one"
    assert state.get("https://other.example/v1", "dataset") == "two"


def test_an_empty_id_is_forgotten(state: State) -> None:
    state.keep(URL, "app", "one")
    state.keep(URL, "app", "")
    state.keep(URL, "never", "")
    assert state.get(URL, "app") == ""
    assert json.loads(state.path.read_text()) == {URL: {}}


@given(st.dictionaries(st.text(max_size=8), st.text(min_size=1, max_size=8), max_size=6))
def test_any_key_is_kept(tmp_path_factory: pytest.TempPathFactory, ids: dict[str, str]) -> None:
    state = State(tmp_path_factory.mktemp("state") / "dify.json")
    for key, value in ids.items():
        state.keep(URL, key, value)
    assert {key: state.get(URL, key) for key in ids} == ids


@pytest.mark.parametrize("damage", ["{", "", "\x00", '{"a": '])
def test_a_damaged_file_is_named_with_a_remedy(state: State, damage: str) -> None:
    state.path.parent.mkdir()
    state.path.write_text(damage)
    with pytest.raises(BadSettings, match=r"dify\.json is damaged") as caught:
        state.get(URL, "dataset")
    assert "delete it" in caught.value.hint
    with pytest.raises(BadSettings):
        state.keep(URL, "dataset", "one")
    assert state.path.read_text() == damage


@pytest.mark.parametrize("other", ["[]", "1", '"text"', f'{{"{URL}": []}}', f'{{"{URL}": null}}'])
def test_a_file_of_another_form_is_damaged_too(state: State, other: str) -> None:
    state.path.parent.mkdir()
    state.path.write_text(other)
    with pytest.raises(BadSettings, match=r"dify\.json is damaged"):
        state.get(URL, "dataset")


def test_threads_lose_nothing(state: State) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: state.keep(URL, f"app {number}", str(number)), range(40)))
    assert [state.get(URL, f"app {number}") for number in range(40)] == [
        str(number) for number in range(40)
    ]
    assert [path.name for path in state.path.parent.iterdir()] == ["dify.json"]
