"""Local models of fastembed: from a folder, from the cache, or downloaded once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from video_rag import plugins
from video_rag.errors import NotFound, Rejected, Unavailable, UsageError

Model = TypeVar("Model")

_PROBE_SECONDS = 5.0
"""fastembed itself tries for half a minute before it says that there is no network."""


class ModelOptions(plugins.Options):
    """Which model, and where its files are."""

    model: str = Field(description="A name that fastembed knows.")
    folder: Path | None = Field(
        None, description="Folder with the model's files; nothing is downloaded then."
    )
    cache: Path | None = plugins.inert(
        None, description="Where models are kept; default: the cache of huggingface_hub."
    )
    may_download: bool = plugins.inert(
        True, description="Download the model at first use when it is not here."
    )
    threads: int | None = plugins.inert(None, ge=1, description="Threads; default: all cores.")


def load_model(make: Callable[..., Model], options: ModelOptions) -> Model:
    """Make a fastembed model. Raises `UsageError` for an unknown name, `Unavailable` offline."""
    from huggingface_hub import constants
    from loguru import logger
    from onnxruntime.capi import onnxruntime_pybind11_state as onnx

    name, folder = options.model, options.folder
    logger.disable("fastembed")  # it writes to the terminal what we say in an error
    if folder and not folder.is_dir():
        raise UsageError(f"{folder} is no folder", hint="give the folder that holds the ONNX files")
    place: dict[str, Any] = {
        "threads": options.threads,
        "cache_dir": str(options.cache or constants.HF_HUB_CACHE),
    }
    if folder:
        place["specific_model_path"] = str(folder)
    try:
        return make(name, **place, local_files_only=True)
    except ValueError as error:
        if "not supported" in str(error):
            raise UsageError(f"fastembed knows no model {name!r}", hint=str(error)) from error
        if folder:
            raise _unreadable(name, error) from error
    except (OSError, onnx.NoSuchFile, onnx.InvalidProtobuf, onnx.InvalidGraph, onnx.Fail) as error:
        raise _unreadable(name, error) from error
    if not options.may_download:
        raise Unavailable(f"the model {name} is not on this machine", hint=_remedy(name))
    _check_hub(name, constants.ENDPOINT)
    try:
        return make(name, **place)
    except ValueError as error:
        raise Unavailable(
            f"the model {name} could not be downloaded: {error}", hint=_remedy(name)
        ) from error


def _unreadable(name: str, error: Exception) -> Rejected:
    return Rejected(
        f"the files of the model {name} cannot be loaded: {error}",
        hint="delete them so that they are downloaded again, or check `folder`",
    )


def _check_hub(name: str, address: str) -> None:
    """Whether the model hub answers at all, whatever it says."""
    from video_rag.net.http import Client

    with Client(address, timeout=_PROBE_SECONDS, attempts=1) as client:
        try:
            client.call("HEAD", "/")
        except (NotFound, Rejected):
            return
        except Unavailable as error:
            raise Unavailable(
                f"the model {name} is not on this machine and cannot be downloaded: {error}",
                hint=_remedy(name),
            ) from error


def _remedy(name: str) -> str:
    return (
        f"put the files of {name} in a folder and set `folder`, set HF_ENDPOINT to a mirror that "
        "can be reached, or unset it in [search]: search by words needs no model"
    )
