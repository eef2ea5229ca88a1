"""The rules of the house that no linter knows: who may do what, and where."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src" / "video_rag"
TREES = {
    path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(SOURCE.rglob("*.py"))
}
HEAVY = ("av", "cv2", "ctranslate2", "fastapi", "fastembed", "faster_whisper", "onnxruntime")
HEAVY += ("opencc", "openai", "PIL", "rapidocr", "uvicorn", "yt_dlp")


def files_with(fits: Callable[[ast.AST], bool]) -> list[str]:
    """The files that hold such a node, once for each."""
    return [name for name, tree in TREES.items() for node in ast.walk(tree) if fits(node)]


def calls(name: str) -> Callable[[ast.AST], bool]:
    return lambda node: (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    )


def imports(library: str) -> Callable[[ast.AST], bool]:
    def fits(node: ast.AST) -> bool:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        return any(name.split(".")[0] == library for name in names)

    return fits


def reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return isinstance(node.value, ast.Name) and (node.value.id, node.attr) in {
            ("os", "environ"),
            ("os", "environb"),
            ("os", "getenv"),
            ("os", "putenv"),
        }
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any("env" in alias.name for alias in node.names)
    return False


def catches(*names: str | None) -> Callable[[ast.AST], bool]:
    """Whether a node is an `except` of one of these; None is the bare one."""

    def fits(node: ast.AST) -> bool:
        if not isinstance(node, ast.ExceptHandler):
            return False
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        return any((kind.id if isinstance(kind, ast.Name) else kind) in names for kind in caught)

    return fits


def lets_through(node: ast.AST) -> bool:
    """Whether an `except` ends with `raise`."""
    last = node.body[-1] if isinstance(node, ast.ExceptHandler) else None
    return isinstance(last, ast.Raise) and last.exc is None


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield name, node


def test_imports_point_down_only() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_command_line_prints() -> None:
    assert {name for name in files_with(calls("print")) if not name.startswith("cli/")} == set()


def test_only_the_settings_read_the_environment() -> None:
    assert set(files_with(reads_environment)) <= {"settings/loading.py"}


def test_everything_is_caught_in_three_places_only() -> None:
    places = ["cli/__init__.py", "observers/__init__.py", "pipeline/engine.py"]
    assert sorted(files_with(catches("Exception"))) == places
    stopped = catches("BaseException", None)
    assert files_with(lambda node: stopped(node) and not lets_through(node)) == []


@pytest.mark.parametrize(
    ("library", "doors"),
    [
        ("yt_dlp", ("sources/ytdlp/", "sources/downloads", "sources/versions")),
        ("fastapi", ("api/",)),
        ("uvicorn", ("api/", "cli/")),
        ("typer", ("cli/",)),
        ("rich", ("cli/",)),
        ("sqlalchemy", ("stores/", "knowledge/")),
        ("faster_whisper", ("processors/whisper/",)),
        ("rapidocr", ("processors/rapidocr",)),
        ("rjieba", ("text/",)),
    ],
)
def test_each_foreign_library_has_one_door(library: str, doors: tuple[str, ...]) -> None:
    users = set(files_with(imports(library)))
    assert {name for name in users if not name.startswith(doors)} == set()


def test_nothing_imports_the_testing_package() -> None:
    def fits(node: ast.AST) -> bool:
        return isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "video_rag.testing"
        )

    assert {name for name in files_with(fits) if not name.startswith("testing/")} == set()


def test_no_file_is_longer_than_one_idea() -> None:
    script = ROOT / "scripts" / "max_lines.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_functions_are_short() -> None:
    lengths = sorted((node.end_lineno or 0) - node.lineno + 1 for _name, node in functions())
    assert lengths[int(len(lengths) * 0.9)] <= 30


def test_every_module_says_what_it_is() -> None:
    assert [name for name, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_no_silence_is_bought_without_a_reason() -> None:
    bare = [
        f"{path.name}:{number}"
        for path in sorted(SOURCE.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "type: ignore" in line and "#" not in line.split("type: ignore", 1)[1]
    ]
    assert bare == []


def test_nothing_is_left_to_be_done_later() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "raise NotImplementedError")
    found = [
        f"{path.relative_to(SOURCE)}: {word}"
        for path in sorted(SOURCE.rglob("*.py"))
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []


def test_the_command_line_starts_without_heavy_libraries() -> None:
    code = f"import sys, video_rag.cli; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_modules_that_moved_are_still_imported_from_the_package() -> None:
    code = "from video_rag import citing, guard, http, languages, proxy, sites, timecode, tokens"
    subprocess.run([sys.executable, "-c", code], check=True)
