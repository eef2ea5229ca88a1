"""Names what makes a library easier to get into than it need be, each with its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from video_rag.errors import VideoRagError
from video_rag.operations import keys, ledgers
from video_rag.operations.doctor import Finding
from video_rag.settings import Settings, explain
from video_rag.settings.redaction import MASK, secrets_of
from video_rag.stores.sql import Sql

_PRIVATE = ("library.db*", "knowledge.db*", "session*", "dify.json", "restored-settings.toml")
_OPEN_TO_OTHERS = 0o077
_POOR = frozenset({"", "admin", "airflow", "changeme", "guest", "password", "postgres", "root"})
_POOR_MORE = frozenset({"secret", "test", "123456", "12345678", "video-rag", "videorag"})
_OLD_DAYS = 180


def findings(settings: Settings) -> list[Finding]:
    """Everything that was looked at; what is in order is one line."""
    found = [*_files(settings), *_set(settings), *_ledger(settings)]
    return found or [Finding("security", "ok", "no weak spot found in files, settings and keys")]


def _files(settings: Settings) -> Iterator[Finding]:
    for path in (one for pattern in _PRIVATE for one in settings.home.glob(pattern)):
        if _is_open(path):
            yield _weak(f"{path} can be read by other users", f"chmod 600 {path}")
    masked = [one for one in explain(settings) if MASK in str(one.value)]
    for file in sorted({one.origin for one in masked if Path(one.origin).is_file()}):
        if _is_open(Path(file)):
            yield _weak(
                f"{file} holds secrets and can be read by other users",
                f"chmod 600 {file}, or put them into files named by VIDEO_RAG_…_FILE",
            )
    backups = settings.backup.to
    if isinstance(backups, Path) and backups.is_dir() and _is_open(backups):
        yield _weak(f"backups in {backups} can be read by other users", f"chmod 700 {backups}")


def _set(settings: Settings) -> Iterator[Finding]:
    if settings.guard.allow_private:
        yield _weak(
            "[guard] allow_private lets URLs lead into your own network",
            "set it to false unless videos lie on servers there",
        )
    public = settings.server.public_url
    if public.startswith("http://") and not _is_loopback(urlsplit(public).hostname or ""):
        yield _weak(
            "[server] public_url is http: keys and cookies travel unencrypted",
            "serve it by HTTPS, behind a proxy such as Caddy",
        )
    for url in sorted({one for one in secrets_of(_plain(settings)) if "://" in one}):
        parts = urlsplit(url)
        if parts.password is not None and parts.password.lower() in _POOR | _POOR_MORE:
            host = parts.hostname or ""
            yield _weak(
                f"the login at {parts.scheme}://{host} has a default or empty password",
                "give that server another one, and set it by a file: VIDEO_RAG_…_FILE",
            )


def _plain(settings: Settings) -> list[Any]:
    """The settings that may hold addresses with logins."""
    return [settings.ledger.url, settings.queues, settings.knowledge, settings.sources]


def _ledger(settings: Settings) -> Iterator[Finding]:
    where = ledgers.place(settings)
    if isinstance(where, Path) and not where.exists():
        return
    try:
        ledger = Sql(where)
    except VideoRagError as error:
        yield Finding("security", "wrong", str(error), error.hint)
        return
    try:
        living = keys.living(ledger)
        yield from _keys(living, is_exposed=not _is_loopback(settings.server.host))
    finally:
        ledger.close()


def _keys(living: list[Any], *, is_exposed: bool) -> Iterator[Finding]:
    from datetime import UTC, datetime

    if is_exposed and not living:
        yield _weak(
            "[server] host is open to the network, and there is no API key",
            "video-rag keys add NAME: without a key `serve` refuses to start there",
        )
    admins = [key.name for key in living if key.role == "admin"]
    if len(admins) > 1:
        yield _weak(
            f"{len(admins)} keys may do everything: {', '.join(admins)}",
            "give `read` to who asks and `write` to who adds; revoke what is not used",
        )
    for key in living:
        days = (datetime.now(UTC) - datetime.fromisoformat(key.created)).days
        if days > _OLD_DAYS:
            yield _weak(
                f"the key {key.name} ({key.key_id}) is {days} days old, and keys never expire",
                f"video-rag keys add {key.name}, give that one out, then: "
                f"video-rag keys revoke {key.key_id}",
            )


def _weak(detail: str, hint: str) -> Finding:
    return Finding("security", "note", detail, hint)


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OPEN_TO_OTHERS)
    except OSError:
        return False


def _is_loopback(host: str) -> bool:
    if re.fullmatch(r"(?i)localhost|", host):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
