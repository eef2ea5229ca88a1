"""The servers that all hosts share, and what the hosts are told of them."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import postgres
import rabbitmq
import s3
from chaos.network import GATE, Forward
from dify_server import some_dify

AUDIT = """
create table chaos_commits (video_id text, name text, key text, at timestamptz default now());
create function chaos_note() returns trigger language plpgsql as $$ begin
  insert into chaos_commits (video_id, name, key) values (new.video_id, new.name, new.key);
  return new;
end $$;
create trigger chaos_note after insert on results for each row
  when (new.stage <> 'give' and new.name not like 'image/%') execute function chaos_note();
"""
"""Every result that the ledger took, whoever made it."""


class World:
    """PostgreSQL, RabbitMQ, a bucket and a Dify, started and ended with the block."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.postgres = enter(postgres.running())
        self.ledger = enter(self.postgres.database())
        rabbitmq.CONSUMER_MS = 1_800_000  # as RabbitMQ has it; the tests' own is very short
        self.broker = enter(rabbitmq.some_broker())
        self.bucket = s3.new_s3rver()
        self._stack.callback(self.bucket.stop)
        self.bucket_name = self.bucket.new_bucket()
        self.dify = enter(some_dify())
        self.dataset = self._new_dataset()
        dify_port = int(self.dify.base_url.split(":")[2].split("/")[0])
        for port in (self.postgres.port, self.broker.port, self.bucket.port, dify_port):
            self._stack.callback(Forward(port).close)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _new_dataset(self) -> str:
        import httpx2

        answer = httpx2.post(
            f"{self.dify.base_url}/datasets",
            headers={"Authorization": f"Bearer {self.dify.dataset_key}"},
            json={"name": "chaos"},
        )
        return str(answer.json()["id"])

    def settings(self, home: Path, name: str) -> dict[str, Any]:
        """For the host of this name."""

        def there(url: str) -> str:
            return url.replace("127.0.0.1", GATE)

        bucket = f"s3://{self.bucket_name}"
        return {
            "home": str(home),
            "ledger": {"url": there(self.ledger)},
            "blobs": {
                **self.bucket.table(),
                "url": f"{bucket}/results",
                "endpoint": there(self.bucket.endpoint),
            },
            "library": {
                "media": f"{bucket}/media",
                "documents": f"{bucket}/documents",
                "copy_local": True,
                "host": "home",
            },
            "pipeline": {
                "queue": "celery",
                "host": name,
                "claim_seconds": 15,
                "drain_seconds": 5,
                "transcribers": ["subtitles"],
                "sampler": "none",
                "reader": "none",
            },
            "queues": {"celery": {"url": there(self.broker.url), "deliveries": 50}},
            "knowledge": {
                "dify": {
                    "auto": True,
                    "base_url": there(self.dify.base_url),
                    "api_key": self.dify.dataset_key,
                    "dataset_id": self.dataset,
                }
            },
            "guard": {"allow_private": True},
        }

    def env(self, home: Path, name: str) -> dict[str, str]:
        """The same as a file of settings that the environment names."""
        home.mkdir(parents=True, exist_ok=True)
        path = home.parent / "settings.toml"
        path.write_text(_toml(self.settings(home, name)), encoding="utf-8")
        path.chmod(0o600)
        return {"VIDEO_RAG_CONFIG": str(path), "VIDEO_RAG_HOME": str(home)}

    def begin_audit(self) -> None:
        self.postgres.sql(AUDIT, self.ledger.rpartition("/")[2])

    def asked(self, statement: str) -> list[tuple[Any, ...]]:
        return self.postgres.sql(statement, self.ledger.rpartition("/")[2])


def _toml(table: dict[str, Any], path: str = "") -> str:
    own = {name: value for name, value in table.items() if not isinstance(value, dict)}
    text = f"[{path}]\n" if path else ""
    text += "".join(f"{name} = {json.dumps(value)}\n" for name, value in own.items())
    for name, value in table.items():
        if isinstance(value, dict):
            text += _toml(value, f"{path}.{name}" if path else name)
    return text


def video_rag(*command: str) -> list[str]:
    return [sys.executable, "-m", "video_rag", *command]


def install_s3rver() -> None:
    script = Path(__file__).parent.parent / "scripts" / "install-s3rver.sh"
    subprocess.run(["sh", str(script)], check=True)
