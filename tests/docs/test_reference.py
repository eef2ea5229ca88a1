"""The reference pages say what the code says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from video_rag import plugins
from video_rag.schema import named
from video_rag.settings import ALIASES, variable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """scripts/reference.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_current(reference: ModuleType) -> None:
    found = sorted(reference.stale(ROOT / "docs" / "reference"))
    assert found == [], "run: python scripts/reference.py"


def test_every_setting_variable_and_alias_is_on_the_page(reference: ModuleType) -> None:
    page = reference.settings_page()
    names = [
        *named(),
        *map(variable, named()),
        *ALIASES,
        "VIDEO_RAG_CONFIG",
        "VIDEO_RAG_SECRETS_DIR",
    ]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_option_of_every_plug_in_has_a_description(reference: ModuleType) -> None:
    bare = [
        f"{family}.{name}.{option}"
        for family in plugins.FAMILIES
        for name, plugin in reference.installed(family)
        for option, info in plugin.Options.model_fields.items()
        if not info.description
    ]
    assert bare == []


def test_every_error_has_its_exit_code(reference: ModuleType) -> None:
    page = reference.errors_page()
    assert "| `ContentError` | 3 | 422 |" in page
    assert "| `NotFound` | 2 | 404 |" in page
    assert "VideoRagError" not in page


def test_a_stale_page_is_told_and_then_written(
    reference: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reference.main(["--check"], tmp_path) == 1
    assert "settings.md is out of date" in capsys.readouterr().out
    assert reference.main([], tmp_path) == 0
    assert reference.main(["--check"], tmp_path) == 0
    (tmp_path / "errors.md").write_text("old", encoding="utf-8")
    assert list(reference.stale(tmp_path)) == ["errors.md"]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (str, "text"),
        (Path | None, "path or none"),
        (tuple[str, ...], "list of text"),
        (dict[str, int], "table of whole number"),
        (SecretStr, "secret"),
    ],
)
def test_types_are_written_in_plain_words(
    reference: ModuleType, annotation: object, words: str
) -> None:
    assert reference.kind(annotation) == words


def test_a_default_that_is_a_secret_is_no_riddle(reference: ModuleType) -> None:
    assert reference.default(FieldInfo(default=SecretStr(""))) == "none"
    assert reference.default(FieldInfo()) == "required"


def test_a_bar_does_not_break_a_table(reference: ModuleType) -> None:
    assert reference.rows(("a",), [("x|y",)]).endswith("| x\\|y |")
