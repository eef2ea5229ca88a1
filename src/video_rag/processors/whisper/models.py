"""Where a Whisper model lies: a directory, the local cache, or Hugging Face on first use."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

from video_rag.errors import BadSettings, Rejected, Unavailable
from video_rag.processors import Progress

_FILES = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]
_REPOSITORIES = {
    "large": "Systran/faster-whisper-large-v3",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
}
"""Those that are not `Systran/faster-whisper-<name>`."""
_CONNECT_SECONDS = 5.0
"""How long the first knock at the server may take; a download that works is not limited."""
_REPORT_SECONDS = 0.5
_HINT = (
    'give a directory: [transcribers.whisper] model = "/path/to/model"; or set '
    "HF_ENDPOINT=https://hf-mirror.com; or put a subtitle file beside the video"
)


def model_folder(model: str, download_root: Path | None, progress: Progress) -> Path:
    """The directory of a model, downloaded if it must be.

    Raises `BadSettings` for what can be no model, `Unavailable` when it cannot be downloaded now.
    """
    return present(model, download_root) or _downloaded(_repository(model), download_root, progress)


def present(model: str, download_root: Path | None) -> Path | None:
    """The directory of a model that is on this machine, without asking any server.

    Raises `BadSettings` for what can be no model.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        missing = [name for name in ("model.bin", "tokenizer.json") if not (folder / name).exists()]
        if missing:
            raise BadSettings(
                f"[transcribers.whisper] {folder} lacks {' and '.join(missing)}",
                hint="it must be a Whisper model converted for CTranslate2",
            )
        return folder
    return _cached(_repository(model), download_root)


def _repository(model: str) -> str:
    """The Hugging Face repository of a model's name."""
    import faster_whisper

    if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", model):
        return model
    known = faster_whisper.available_models()
    if model not in known:
        raise BadSettings(
            f"[transcribers.whisper] model: no directory and no model is called {model!r}",
            hint=f"known: {', '.join(known)}",
        )
    name = model.replace("distil-", "distil-whisper-") if "distil-" in model else f"whisper-{model}"
    return _REPOSITORIES.get(model, f"Systran/faster-{name}")


def _cached(repository: str, download_root: Path | None) -> Path | None:
    """The directory of a model that was downloaded earlier, without asking any server."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            repository, cache_dir=download_root, allow_patterns=_FILES, local_files_only=True
        )
    except LocalEntryNotFoundError:
        return None
    # An interrupted download leaves a directory without the weights.
    return Path(folder) if (Path(folder) / "model.bin").exists() else None


def _downloaded(repository: str, download_root: Path | None, progress: Progress) -> Path:
    """Fetch a model, reporting as it comes."""
    import httpx
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    progress(0.0, f"asking for the speech model {repository}")
    try:
        # Knock once: the download itself would try for half a minute before it gives up.
        HfApi().model_info(repository, timeout=_CONNECT_SECONDS)
        folder = _with_progress(
            lambda bars: snapshot_download(
                repository, cache_dir=download_root, allow_patterns=_FILES, tqdm_class=bars
            ),
            repository,
            progress,
        )
    except (RepositoryNotFoundError, GatedRepoError) as error:
        raise Rejected(
            f"Hugging Face does not give the speech model {repository}", hint=_HINT
        ) from error
    except OfflineModeIsEnabled as error:
        raise Unavailable(
            f"the speech model {repository} is not on this machine and HF_HUB_OFFLINE forbids "
            "downloading it",
            hint=_HINT,
        ) from error
    except (httpx.HTTPError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise Unavailable(
            f"the speech model {repository} is not on this machine and cannot be downloaded: "
            f"{str(error).splitlines()[0]}",
            hint=_HINT,
        ) from error
    return Path(folder)


def _with_progress(
    download: Callable[[type[Any]], str], repository: str, progress: Progress
) -> str:
    """Run a download in another thread, and report from this one, as callers expect."""
    counter = _counter()
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(download, counter)
        while not wait([running], timeout=_REPORT_SECONDS).done:
            progress(counter.share(), f"downloading the speech model {repository}")
        return running.result()


def _counter() -> type[Any]:
    """A progress bar's class that draws nothing and knows how far its bytes are."""
    from tqdm.auto import tqdm

    class Counter(tqdm):  # type: ignore[misc]  # tqdm comes without types
        """Hugging Face makes several bars; the one so named counts the bytes on disk."""

        on_disk: ClassVar[list[Counter]] = []

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            name = kwargs.pop("name", "")
            super().__init__(*args, **(kwargs | {"disable": False, "file": StringIO()}))
            if name == "huggingface_hub.snapshot_download":
                self.on_disk.append(self)

        @classmethod
        def share(cls) -> float:
            """Of the bytes known so far."""
            total = sum(bar.total or 0 for bar in cls.on_disk)
            return min(1.0, sum(bar.n for bar in cls.on_disk) / total) if total else 0.0

    return Counter
