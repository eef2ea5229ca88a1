"""Opens the door: binds the address, or says why not, and serves until it is told to end."""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from video_rag.api import create_app
from video_rag.api.connections import MOST_HEAD, Crowd, Server, most_connections
from video_rag.api.hosts import is_loopback
from video_rag.errors import NeedsExtra, UsageError
from video_rag.library import Library
from video_rag.operations import keys

try:
    import uvicorn
except ModuleNotFoundError as error:
    raise NeedsExtra("uvicorn", "web") from error

log = logging.getLogger("video_rag")

SHUTDOWN_SECONDS = 5
BACKLOG = 2048
"""Connections that may wait; as uvicorn has it."""


def serve(
    library: Library, host: str, port: int, ready: Callable[[str], None] = lambda _url: None
) -> None:
    """Serve the page and the API until the process is told to end (Ctrl-C, SIGTERM).

    `ready` is called with the address as soon as it answers; port 0 takes a free one. Raises
    `UsageError` when the address cannot be had, or can be reached by others and no key exists.
    """
    keys_required = must_have_keys(library, host)
    with bind(host, port) as listener:
        url = address_of(host, listener)
        server = make(library, keys_required=keys_required, opened=lambda: ready(url))
        with suppress(KeyboardInterrupt):  # Ctrl-C is how one ends it, no failure
            server.run(sockets=[listener])


def make(
    library: Library, *, keys_required: bool, opened: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """A server of the page and the API; `run(sockets=[…])` opens it, `should_exit` ends it."""
    wanted = library.settings.server
    config = uvicorn.Config(
        create_app(library, keys_required=keys_required),
        http="h11",  # whose patience is limited in `connections`
        ws="none",
        h11_max_incomplete_event_size=MOST_HEAD,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `create_app` does, for [server] trusted_proxies
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    crowd = Crowd(most_connections(wanted.connections), wanted.request_seconds)
    return Server(config, crowd, opened)


def must_have_keys(library: Library, host: str) -> bool:
    """Whether requests must carry a key: others can reach the server, or keys were made.

    Raises `UsageError` when others can reach it and there is none. With keys that are all revoked
    or lost it starts, and stays closed until one is made.
    """
    has_keys = bool(keys.living(library.ledger))
    public = urlsplit(library.settings.server.public_url).hostname
    is_exposed = not is_loopback(host) or bool(public and not is_loopback(public))
    if is_exposed and not has_keys:
        where = host if not is_loopback(host) else library.settings.server.public_url
        raise UsageError(
            f"others can reach {where}, and no API key exists",
            hint="make one first: video-rag keys add NAME --role admin",
        )
    if not has_keys and keys.ever(library.ledger):
        log.warning(
            "no API key is left (revoked, or lost with the ledger), so nobody comes in; "
            "make one: video-rag keys add NAME"
        )
    return is_exposed or keys.ever(library.ledger)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on this address. Raises `UsageError` saying what to choose instead."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise UsageError(
            f"no address is called {host!r}", hint="use 127.0.0.1, 0.0.0.0 or ::1"
        ) from error
    listener = socket.socket(family, kind, protocol)
    if os.name == "posix":  # start again at once; on Windows it would share the port instead
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)  # from here on visitors wait in line instead of being refused
    except OSError as error:
        listener.close()
        raise _not_bound(host, port, error) from error
    return listener


def address_of(host: str, listener: socket.socket) -> str:
    """The address to open in a browser on this machine."""
    port = listener.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host)  # noqa: S104 (read, not bound)
    return f"http://{name or (f'[{host}]' if ':' in host else host)}:{port}"


def _not_bound(host: str, port: int, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"port {port} on {host} is in use",
            hint=f"choose another: video-rag serve --port {port + 1 if port < 65_535 else 0}",
        )
    if error.errno == errno.EACCES:
        return UsageError(f"port {port} needs more rights", hint="choose one above 1023")
    return UsageError(f"cannot listen on {host}: {error.strerror}", hint="use 127.0.0.1 or 0.0.0.0")
