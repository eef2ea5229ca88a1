"""Errors, by what should happen next.

VideoRagError                .hint: one line telling the reader what to do
├─ UsageError                you: fix the command, URL or settings   exit 2   HTTP 400   never retried
│  ├─ UnknownPlugin          no plug-in of that name
│  ├─ BadSettings            a setting that cannot be
│  ├─ NotFound               no such video, file or key                       HTTP 404
│  ├─ UnsupportedUrl         no source takes it
│  └─ NeedsExtra             a part of video-rag that is not installed
├─ ContentError              the video itself is at fault            exit 3   HTTP 422   recorded, never retried
└─ BackendError              a server or model we depend on          exit 4   HTTP 502
   ├─ Lost                   a stored result is missing or damaged            HTTP 503   made again by `run`
   ├─ Unavailable            time-outs, 429, 5xx                              HTTP 503   retried when due
   │  └─ DiskError           no room, no right to read or write                          due at once
   └─ Rejected               auth, quota, validation                                     not retried
      └─ Conflict            somebody else changed it                             HTTP 409   not retried
anything else                a bug: traceback                        exit 1   HTTP 500
"""

from __future__ import annotations


class VideoRagError(Exception):
    """Something a person can act on: what happened, and in `hint` what to do."""

    exit_code = 1
    http_status = 500
    retry_after: float | None = None
    """Seconds after which trying again may help, where somebody knows."""
    video_id: str = ""
    """The video that it is about, where it is one of many in a list."""

    def __init__(self, message: str, *, hint: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.reason = reason
        """One word for programs, such as `private` or `bot-check`: see docs/reference/errors.md."""


class UsageError(VideoRagError):
    """The command, URL or settings must change."""

    exit_code = 2
    http_status = 400


class UnknownPlugin(UsageError):
    """No plug-in of that name; the hint lists the known ones."""


class BadSettings(UsageError):
    """A setting has a value that it cannot have."""


class NotFound(UsageError):
    """No such video, file or key."""

    http_status = 404


class UnsupportedUrl(UsageError):
    """No source takes this path or URL."""


class NeedsExtra(UsageError):
    """A part that is not installed; the hint says how to install it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} is not installed",
            hint=f"install it with: pip install 'video-rag[{extra}]'",
        )


class ContentError(VideoRagError):
    """The video itself is at fault: gone, private, empty, corrupt, silent.

    With `retry_after` (seconds) it is not so for ever: a premiere, a live talk that is not over.
    """

    exit_code = 3
    http_status = 422

    def __init__(
        self, message: str, *, hint: str = "", reason: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint, reason=reason)
        self.retry_after = retry_after


class BackendError(VideoRagError):
    """A server or model that we depend on."""

    exit_code = 4
    http_status = 502


class Lost(BackendError):
    """A stored result that is missing, or whose bytes are others than when it was stored."""

    http_status = 503

    def __init__(self, message: str, digest: str) -> None:
        super().__init__(message, hint="`video-rag run` makes it again")
        self.digest = digest
        """What it was to be."""


class Unavailable(BackendError):
    """It may work later. `retry_after` is in seconds, when the server named it."""

    http_status = 503

    def __init__(
        self, message: str, *, hint: str = "", reason: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint, reason=reason)
        self.retry_after = retry_after


class DiskError(Unavailable):
    """A disk or bucket that is full or read-only, or what in it this user may not use.

    A person mends that; what failed for it is due at once, so that the next try finds it mended.
    """


class Rejected(BackendError):
    """The server refused: key, quota, validation. The same call will be refused again."""


class Conflict(Rejected):
    """It stands against something else: what was changed by hand, or asked for otherwise."""

    http_status = 409
