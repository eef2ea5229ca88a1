"""The example of a test with the test Dify, as the page shows it, passes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "dify.md"
EXAMPLE = re.compile(r"<!-- test -->\n```python\n(.*?)```", re.DOTALL)


@pytest.mark.timeout(120)
def test_the_example_passes(tmp_path: Path) -> None:
    (example,) = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
