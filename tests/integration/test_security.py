"""`doctor --security` names each weak spot with its remedy, and no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from shell import Shell, reading_shell
from talks import SHEEP, write_talk

SECRET = "dataset-Zk3jP0rT9qLw7xYb2mNc"


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    shell = reading_shell(capsys, monkeypatch, tmp_path)
    write_talk(tmp_path / "talks" / "sheep.srt", SHEEP)
    shell("add", tmp_path / "talks")
    return shell


def test_a_library_as_it_is_made_has_none(run: Shell) -> None:
    assert "no weak spot" in run("doctor", "--security")


def test_each_weak_spot_is_named_with_its_remedy(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        '[server]\nhost = "0.0.0.0"\npublic_url = "http://videos.example"\n'
        "[guard]\nallow_private = true\n"
        f'[knowledge.dify]\nbase_url = "https://dify.example"\napi_key = "{SECRET}"\n'
        '[queues.celery]\nurl = "amqp://guest:guest@broker.example/"\n'
    )
    settings.chmod(0o644)
    (tmp_path / "home" / "library.db").chmod(0o644)
    told = run("doctor", "--security", code=4)
    for words in (
        "library.db can be read by other users",
        "settings.toml holds secrets and can be read",
        "allow_private lets URLs",
        "public_url is http",
        "default or empty password",
        "there is no API key",
    ):
        assert words in told, words
    assert told.count("hint:") == 6
    assert SECRET not in told
    assert "guest:guest" not in told
    run("keys", "add", "alice", "--role", "admin")
    run("keys", "add", "bob", "--role", "admin")
    assert "2 keys may do everything: alice, bob" in run("doctor", "--security", code=4)
