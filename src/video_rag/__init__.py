"""Video collections become a knowledge base that cites the very second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from video_rag.library import Added, Library, Status, Wishes
    from video_rag.settings import Settings, load_settings

__all__ = ["Added", "Library", "Settings", "Status", "Wishes", "load_settings", "open_library"]
__version__ = "0.1.0"

_HOMES = {
    "Added": "library",
    "Library": "library",
    "Status": "library",
    "Wishes": "library",
    "Settings": "settings",
    "load_settings": "settings",
}


_MOVED = {
    "citing": "evidence",
    "guard": "net",
    "http": "net",
    "languages": "text",
    "proxy": "net",
    "sites": "net",
    "timecode": "text",
    "tokens": "text",
}
"""Modules that plug-ins of others import from here, and the wings where they are now."""


def open_library(**overrides: Any) -> Library:
    """The library that the settings name; `overrides` are nested, such as `search={"limit": 5}`."""
    from video_rag.library import Library
    from video_rag.settings import load_settings

    return Library(load_settings(overrides))


def __getattr__(name: str) -> Any:
    """Import the public names when first used, so that `import video_rag` costs nothing."""
    from importlib import import_module

    if name in _HOMES:
        return getattr(import_module(f"video_rag.{_HOMES[name]}"), name)
    if name in _MOVED:
        return import_module(f"video_rag.{_MOVED[name]}.{name}")
    raise AttributeError(f"module 'video_rag' has no attribute {name!r}")
