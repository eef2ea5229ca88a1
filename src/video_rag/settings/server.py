"""The table `[server]`: where it listens, and how much it lets others ask of it."""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from video_rag.settings.kinds import Name, Names, Section


class ServerSettings(Section):
    """The web page and its API."""

    host: Name = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8420, ge=0, le=65_535, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field(
        "", description="Address under which people reach the server, for links in answers."
    )
    trusted_proxies: Names = Field(
        (),
        description="Addresses and networks of the proxies before the server: their "
        "`X-Forwarded-For` and `X-Forwarded-Proto` are believed, so that limits and the login "
        "lock count each client alone.",
    )
    connections: int = Field(
        500,
        ge=8,
        le=100_000,
        description="Most connections at once, half of them of one address; never more than half "
        "of the files that the process may open. Those that wait make room for new ones.",
    )
    request_seconds: float = Field(
        20.0, ge=1, le=600, description="Longest time for the head of a request, and for its body."
    )
    requests_per_minute: int = Field(
        30_000, ge=0, description="Most requests of one address or key in a minute; 0: no limit."
    )
    questions_per_minute: int = Field(
        120, ge=0, description="Most questions of one address or key in a minute; 0: no limit."
    )
    answers: int = Field(
        16, ge=1, le=500, description="Questions that are answered at once; as many again wait."
    )
    answers_per_caller: int = Field(
        8, ge=1, le=1000, description="Most of these questions that are of one key or address."
    )

    @field_validator("public_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        try:
            host = urlsplit(value).hostname
        except ValueError:
            host = None
        if value and not host:
            raise ValueError("must name a host, such as https://videos.example")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            str(ip_network(name)).removesuffix("/32").removesuffix("/128") for name in value
        )
