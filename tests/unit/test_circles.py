"""No module needs itself, by whatever way round: not for types, not inside a function."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest


def imports_of(package: str) -> dict[str, set[str]]:
    """Module → the modules of the package that it imports, wherever in the file."""
    graph = grimp.build_graph(package, exclude_type_checking_imports=False, cache_dir=None)
    return {
        module: graph.find_modules_directly_imported_by(module) - {module}
        for module in graph.modules
    }


def circle_in(imports: Mapping[str, set[str]]) -> list[str]:
    """One circle, from a module back to itself; empty when there is none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    found = imports_of("video_rag")

    assert {"video_rag.cli", "video_rag.testing.dify.state"} <= found.keys()
    assert circle_in(found) == []


@pytest.mark.parametrize(
    "second",
    [
        "import {package}.first",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import {package}.first",
        "def later():\n    from {package}.first import something\n    return something",
    ],
    ids=["at the top", "for types only", "inside a function"],
)
def test_a_circle_is_found_however_it_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    # A name of its own for each case: Python remembers where it found a package.
    package = tmp_path.name
    (tmp_path / package).mkdir()
    for name, text in {
        "__init__": "",
        "first": f"import {package}.second",
        "second": second.format(package=package),
        "third": f"import {package}.first",
    }.items():
        (tmp_path / package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    assert set(circle_in(imports_of(package))) == {f"{package}.first", f"{package}.second"}
