"""What can be set of downloads, for every site and for each."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from video_rag.plugins import Options as PluginOptions
from video_rag.plugins import inert
from video_rag.text import languages

VERSION = 1
"""Of what `fetch` brings; stands here, since it is asked for together with the options."""


class SiteOptions(BaseModel):
    """How one site is treated; what is unset is as for every site."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    sleep: float | None = Field(None, ge=0, description="Seconds between two videos.")
    sleep_requests: float | None = Field(None, ge=0, description="Seconds between two requests.")
    sleep_subtitles: float | None = Field(None, ge=0, description="Seconds before each subtitle.")
    concurrency: int | None = Field(None, ge=1, le=16, description="Videos fetched at once.")
    per_day: int | None = Field(None, ge=1, description="Most videos fetched in a day (UTC).")
    cooldown: float | None = Field(
        None, gt=0, description="Seconds that the site is left alone after a wall."
    )
    cookies: Path | None = Field(None, description="A cookies.txt of a signed-in browser.")
    cookies_from_browser: str | None = Field(
        None, description="A browser on this machine, with its profile: `firefox:default`."
    )
    proxy: SecretStr | None = Field(None, description="URL of a proxy for this site.")


_POLITE: dict[str, SiteOptions] = {
    # What yt-dlp itself recommends (its preset `-t sleep`, 2026.08): ten seconds between videos,
    # 0.75 between requests, five before subtitles.
    "youtube.com": SiteOptions(sleep=10, sleep_requests=0.75, sleep_subtitles=5, concurrency=1),
    # Bilibili's risk control counts requests, not bytes: yt-dlp issues 14830 and 16587.
    "bilibili.com": SiteOptions(sleep=5, sleep_requests=1, sleep_subtitles=1, concurrency=1),
}
"""How sites are treated that are known to shut people out."""


class Options(PluginOptions):
    """What to download, and how politely."""

    fetch: Literal["video", "audio", "subtitles"] = Field(
        "video", description="What is fetched: picture and sound, sound alone, or subtitles alone."
    )
    max_height: int = Field(720, ge=144, description="Tallest picture in pixels, if offered.")
    format: str = Field("", description="yt-dlp's format selector; empty chooses by height.")
    subtitle_languages: tuple[str, ...] = Field(
        ("en", "zh"),
        description="Languages of subtitles beside the speaker's own; `all` takes every one.",
    )

    @field_validator("subtitle_languages")
    @classmethod
    def _tags(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """Their tags, however they are written."""
        try:
            return tuple(n if n == "all" else languages.typed(n) for n in names)
        except ValueError as error:
            raise ValueError(f"{error} ({languages.HINT}, or all)") from None

    cookies: Path | None = inert(None, description="A cookies.txt of a signed-in browser.")
    proxy: SecretStr | None = inert(None, description="URL of a proxy for all requests.")
    max_bytes: int = inert(
        8_000_000_000, gt=0, description="Refuse a video that is larger than this."
    )
    bytes_per_second: int | None = inert(None, gt=0, description="Slow downloads down to this.")
    sleep_requests: float = inert(0.0, ge=0, description="Seconds between two requests.")
    sleep_subtitles: float = inert(
        1.0, ge=0, description="Seconds before each subtitle file; YouTube counts them."
    )
    timeout: float = inert(20.0, gt=0, description="Seconds to wait for a server.")
    retries: int = inert(3, ge=0, description="How often to repeat a request that failed.")
    sleep: float = inert(0.0, ge=0, description="Seconds between two videos of one site.")
    concurrency: int = inert(1, ge=1, le=16, description="Videos of one site fetched at once.")
    per_day: int | None = inert(None, ge=1, description="Most videos of one site in a day (UTC).")
    cooldown: float = inert(
        900.0, gt=0, description="Seconds that a site is left alone after its first wall."
    )
    cookies_from_browser: str = inert(
        "", description="A browser on this machine, with its profile: `firefox:default`."
    )
    write_back_cookies: bool = inert(
        False,
        description="Put cookies that a site renews back into their file: YouTube renews them, and"
        " refuses the old ones after a while.",
    )
    max_seconds: float = inert(
        86_400.0, gt=0, description="Refuse a video that is longer than this, in seconds."
    )
    max_entries: int = inert(20_000, gt=0, description="Refuse a list with more videos than this.")
    sites: dict[str, SiteOptions] = inert(
        {}, description='The same for single sites, a table each: `[sources.ytdlp.sites."…"]`.'
    )

    def of_site(self, site: str) -> SiteOptions:
        """How a site is treated, with every field filled in.

        Its own table wins; what that leaves open is as for every site, but never less polite than
        YouTube and Bilibili need. Cookies and the browser that they come from belong together.
        """
        own = self.sites.get(site, SiteOptions())
        polite = _POLITE.get(site, SiteOptions())
        found = {name: getattr(self, name) for name in SiteOptions.model_fields}
        for name in ("sleep", "sleep_requests", "sleep_subtitles"):
            found[name] = max(found[name], getattr(polite, name) or 0.0)
        found["concurrency"] = min(found["concurrency"], polite.concurrency or 16)
        if own.cookies or own.cookies_from_browser:
            found |= {"cookies": None, "cookies_from_browser": None}
        return SiteOptions.model_construct(**found | own.model_dump(exclude_none=True))
