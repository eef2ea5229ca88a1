"""What Dify cannot be asked again: ids of the datasets and apps that we made, in `dify.json`."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from pydantic import TypeAdapter

from video_rag import disk, private
from video_rag.errors import BadSettings

_LOCK = threading.Lock()
_FORM = TypeAdapter(dict[str, dict[str, str]])
"""Server → key → id."""


class State:
    """Ids by server and name. Without its plugin daemon Dify lists no datasets, and every import
    of an app makes another one: who forgets an id cannot find the thing again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, base_url: str, key: str) -> str:
        """The id kept under a key such as `dataset` or `app`; empty if there is none."""
        return self._read().get(_server(base_url), {}).get(key, "")

    def keep(self, base_url: str, key: str, value: str) -> None:
        """Keep an id; an empty one is forgotten."""
        with _LOCK:
            everything = self._read()
            server = everything.setdefault(_server(base_url), {})
            server[key] = value
            if not value:
                del server[key]
            text = json.dumps(everything, indent=1, sort_keys=True)
            private.write(self.path, text.encode())

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            return _FORM.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise disk.refusal(error, self.path) from error
        except ValueError as error:
            raise BadSettings(
                f"{self.path} is damaged",
                hint="delete it, and give dataset_id in the settings",
            ) from error


def _server(base_url: str) -> str:
    return base_url.rstrip("/")
