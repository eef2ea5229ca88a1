"""Names of one thing: our own list and a file of the library's owner."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_rag.errors import BadSettings
from video_rag.text.synonyms import load, parse


def test_common_knowledge_is_built_in() -> None:
    ours = load(None)
    assert ours.of("河內塔要幾步？") == (("汉诺塔", "河内塔"),)
    assert "毕达哥拉斯三元组" in ours.of("勾股数有哪些")[0]


def test_a_file_of_ones_own_comes_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("# ours\n\ncar, automobile  # wheels\nC#，C Sharp\n", "utf-8-sig")
    both = load(path)
    assert both.of("Which Automobile is fast?") == (("car", "automobile"),)
    assert both.of("Is C# fast?") == (("C#", "C Sharp"),)
    assert both.of("the cargo") == ()
    assert both.of("汉诺塔")


def test_an_abbreviation_in_capitals_is_no_pronoun() -> None:
    assert load(None).of("the US economy")
    assert not load(None).of("tell us about it")


@pytest.mark.parametrize("line", ["car", "car,", "car => automobile, sedan"])
def test_a_line_that_is_no_group_is_refused_by_its_number(line: str) -> None:
    with pytest.raises(BadSettings, match=r"line 2 of names\.txt"):
        list(parse(f"a, b\n{line}\n", "names.txt"))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"none\.txt cannot be read"):
        load(tmp_path / "none.txt")
