"""API keys: shown once, kept as hashes, shut out at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_rag.errors import NotFound, UsageError
from video_rag.operations import keys
from video_rag.stores.sql import Sql


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Sql]:
    ledger = Sql(tmp_path / "library.db")
    yield ledger
    ledger.close()


def test_a_key_opens_with_its_plain_text(ledger: Sql) -> None:
    key, plain = keys.make(ledger, " alice ", "write")
    assert (key.name, key.role, key.revoked) == ("alice", "write", False)
    assert plain.startswith(f"vr_{key.key_id}_")
    assert len(plain.split("_", 2)[2]) >= 32
    assert keys.verify(ledger, plain) == key
    assert keys.verify(ledger, f"  {plain}\n") == key


def test_the_plain_text_is_nowhere_on_disk(ledger: Sql, tmp_path: Path) -> None:
    _, plain = keys.make(ledger, "alice", "read")
    secret = plain.split("_", 2)[2].encode()
    assert not any(secret in path.read_bytes() for path in tmp_path.iterdir())


def test_what_is_not_quite_the_key_is_refused(ledger: Sql) -> None:
    key, plain = keys.make(ledger, "alice", "read")
    _, other = keys.make(ledger, "bob", "admin")
    crossed = f"vr_{key.key_id}_{other.split('_', 2)[2]}"
    for wrong in ("", "vr", "vr__", f"vr_{key.key_id}_", plain[:-1], plain + "x", crossed):
        assert keys.verify(ledger, wrong) is None
    assert keys.verify(ledger, plain.replace("vr_", "sk_", 1)) is None


@given(text=st.text() | st.just("\ud800"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_no_text_that_was_not_given_out_opens(ledger: Sql, text: str) -> None:
    assert keys.verify(ledger, text) is None
    assert keys.verify(ledger, f"vr_{text}") is None


def test_a_revoked_key_is_shut_out_and_stays_on_the_list(ledger: Sql) -> None:
    key, plain = keys.make(ledger, "alice", "read")
    assert keys.revoke(ledger, key.key_id).key_id == key.key_id
    assert keys.verify(ledger, plain) is None
    assert keys.living(ledger) == []
    assert [k.revoked for k in ledger.api_keys()] == [True]
    keys.revoke(ledger, key.key_id)  # again is harmless


def test_a_key_is_revoked_by_its_name_unless_two_have_it(ledger: Sql) -> None:
    first, _ = keys.make(ledger, "alice", "read")
    second, _ = keys.make(ledger, "alice", "write")
    with pytest.raises(UsageError, match="2 keys") as caught:
        keys.revoke(ledger, "alice")
    assert first.key_id in caught.value.hint
    keys.revoke(ledger, first.key_id)
    assert keys.revoke(ledger, "alice").key_id == second.key_id


def test_a_key_that_is_not_there_cannot_be_revoked(ledger: Sql) -> None:
    with pytest.raises(NotFound):
        keys.revoke(ledger, "nobody")


@pytest.mark.parametrize(
    ("name", "role", "says"),
    [("", "read", "name"), ("a\nb", "read", "name"), ("a", "root", "root")],
)
def test_a_key_without_name_or_role_is_not_made(
    ledger: Sql, name: str, role: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        keys.make(ledger, name, role)
    assert ledger.api_keys() == []


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("read", ["read"]),
        ("write", ["read", "write"]),
        ("admin", ["read", "write", "admin"]),
        ("", []),
        ("root", []),
    ],
)
def test_each_role_may_do_what_the_lesser_ones_may(role: str, may: list[str]) -> None:
    roles: tuple[keys.Role, ...] = ("read", "write", "admin")
    assert [needed for needed in roles if keys.allows(role, needed)] == may
