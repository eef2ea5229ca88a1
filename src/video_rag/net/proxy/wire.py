"""HTTP/1.1 as a proxy needs it: heads are parsed strictly, bodies only measured (RFC 9112)."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass

CHUNK = 262_144
"""Bytes moved at once: few enough for slow readers, enough that the work is the kernel's."""
_LONGEST_HEAD = 65_536
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00\r\n]*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")
_OF_THIS_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"}
    | {"te", "upgrade", "expect"}
)
"""Headers that speak of one connection and are not passed on (RFC 9110 §7.6.1)."""


TRICKLE_SECONDS, TRICKLE_BYTES = 300.0, 20_000
"""A server that is waited for so long in all, and has sent fewer bytes, is given up: a byte a
second would keep a run busy for years, and no timeout between two bytes would notice."""


class Malformed(ValueError):
    """What came is no message that may be passed on."""


class BrokenOff(ConnectionError):
    """The other side hung up in the middle of a message."""


@dataclass
class Head:
    """The first line of a message, in its three parts, and its headers, spelt as they came."""

    start: tuple[str, str, str]
    headers: list[tuple[str, str]]

    def values(self, name: str) -> list[str]:
        """The values of a header in lower case, lists taken apart."""
        rows = (value for key, value in self.headers if key.lower() == name)
        return [part.strip().lower() for row in rows for part in row.split(",") if part.strip()]

    def first(self, name: str) -> str:
        """The first value of a header as it came; "" without one."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    def onwards(self) -> list[tuple[str, str]]:
        """The headers for the next hop."""
        dropped = _OF_THIS_HOP | set(self.values("connection"))
        return [row for row in self.headers if row[0].lower() not in dropped]

    def encoded(self, headers: list[tuple[str, str]]) -> bytes:
        """The message's head with other headers."""
        rows = [" ".join(self.start).rstrip(), *(f"{name}: {value}" for name, value in headers)]
        return ("\r\n".join(rows) + "\r\n\r\n").encode("latin-1")


class Pace:
    """Gives up a sender that only trickles; how slow the one who is passed the bytes is, is not
    held against it."""

    def __init__(self) -> None:
        self._waited = 0.0
        self._came = 0

    def note(self, seconds: float, count: int) -> None:
        """After so many seconds so many bytes came. Raises `BrokenOff`."""
        self._waited += seconds
        self._came += count
        if self._waited >= TRICKLE_SECONDS:
            if self._came < TRICKLE_BYTES:
                raise BrokenOff(f"only {self._came} bytes came in {self._waited:.0f} seconds")
            self._waited, self._came = 0.0, 0


class Stream:
    """A connection that is read by heads, lines and stretches of bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.pace: Pace | None = None
        """Set where an answer is waited for."""
        self._rest = bytearray()
        self._room = memoryview(b"")

    def head(self, *, strict: bool = True) -> Head | None:
        """The next message's head; None when the other side hung up before it.

        Headers that are malformed are an error, or left out where not `strict`: servers have many.
        """
        while (end := self._rest.find(b"\r\n\r\n")) < 0 and len(self._rest) <= _LONGEST_HEAD:
            if not self._fill():
                if self._rest:
                    raise BrokenOff("hung up within the headers")
                return None
        if not 0 <= end <= _LONGEST_HEAD:
            raise Malformed("the headers are too long")
        whole = bytes(self._rest[:end])
        del self._rest[: end + 4]
        start, *rows = whole.split(b"\r\n")
        headers = [_header(row) for row in rows]
        if strict and None in headers:
            raise Malformed("a header is malformed")
        return Head(_start(start), [row for row in headers if row])

    def line(self) -> bytes:
        """The next line, without its end."""
        while (end := self._rest.find(b"\r\n")) < 0:
            if len(self._rest) > _LONGEST_HEAD:
                raise Malformed("a line is too long")
            if not self._fill():
                raise BrokenOff("hung up within a line")
        line = bytes(self._rest[:end])
        del self._rest[: end + 2]
        return line

    def copy(self, count: int, target: socket.socket) -> None:
        """Pass so many bytes on."""
        while count:
            piece = self._piece(count)
            if not piece:
                raise BrokenOff("hung up within the body")
            target.sendall(piece)
            count -= len(piece)

    def copy_all(self, target: socket.socket) -> None:
        """Pass on what comes until the other side hangs up."""
        while piece := self._piece(CHUNK):
            target.sendall(piece)

    def copy_chunks(self, target: socket.socket) -> None:
        """Pass on a body that says the size of each of its chunks (RFC 9112 §7.1)."""
        size = -1
        while size:
            line = self.line()
            match = _SIZE.fullmatch(line)
            if not match:
                raise Malformed("the size of a chunk is malformed")
            size = int(match[1], 16)
            target.sendall(line + b"\r\n")
            if size:
                self.copy(size + 2, target)
        while line := self.line():
            target.sendall(line + b"\r\n")
        target.sendall(b"\r\n")

    def left(self) -> bytes:
        """What was read already and belongs to nothing yet."""
        left = bytes(self._rest)
        self._rest.clear()
        return left

    def _piece(self, most: int) -> memoryview | bytes:
        if self._rest:
            piece = bytes(self._rest[:most])
            del self._rest[: len(piece)]
            return piece
        self._room = self._room or memoryview(bytearray(CHUNK))
        return self._room[: self._read(self._room, min(most, CHUNK))]

    def _fill(self) -> bool:
        room = memoryview(bytearray(_LONGEST_HEAD))
        count = self._read(room, _LONGEST_HEAD)
        self._rest += room[:count]
        return bool(count)

    def _read(self, room: memoryview, most: int) -> int:
        begun = time.monotonic()
        count = self.sock.recv_into(room, most)
        if self.pace is not None:
            self.pace.note(time.monotonic() - begun, count)
        return count


def body_length(head: Head) -> int | None:
    """Bytes of the body that the headers announce: a number, -1 for chunks, None for neither.

    Two that contradict each other are how requests are smuggled past a checker (RFC 9112 §11.2).
    """
    lengths, codings = set(head.values("content-length")), head.values("transfer-encoding")
    if codings:
        if codings != ["chunked"] or lengths:
            raise Malformed("the length of the body is given twice, or in a way unknown")
        return -1
    if not lengths:
        return None
    if len(lengths) > 1 or not _LENGTH.fullmatch(length := lengths.pop()):
        raise Malformed("the length of the body is malformed")
    return int(length)


def answer_length(method: str, head: Head) -> int | None:
    """Bytes of an answer's body as in `body_length`; None for all until the server hangs up."""
    status = head.start[1]
    if method == "HEAD" or status in {"204", "304"} or status.startswith("1"):
        return 0
    if codings := head.values("transfer-encoding"):
        return -1 if codings[-1] == "chunked" else None
    return body_length(head)


def _start(line: bytes) -> tuple[str, str, str]:
    parts = line.decode("latin-1").split(" ", 2)
    if len(parts) < 2 or any(byte < 0x20 or byte == 0x7F for byte in line):
        raise Malformed("the first line is malformed")
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""


def _header(row: bytes) -> tuple[str, str] | None:
    match = _HEADER.fullmatch(row)
    return (match[1].decode("ascii"), match[2].decode("latin-1")) if match else None
