"""Which wall a site put up: its words and statuses, each with its reason and with what to do.

The words are those of yt-dlp 2026.08 and of the sites that it quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from video_rag.errors import ContentError, Rejected, Unavailable, VideoRagError

COOLING = frozenset({"risk-control", "rate-limit", "bot-check"})
"""Walls after which a site is left alone for a while: asking on makes them higher."""

HOUR, DAY = 3600.0, 86400.0
COOKIES = 'give the cookies of a signed-in browser: [sources.ytdlp.sites."{site}"] cookies'
UPDATE = "the site may have changed: run video-rag update"
_LOOK = "open it in a browser to see whether it is there"
_SLOWER = 'ask more slowly: sleep and sleep_requests in [sources.ytdlp.sites."{site}"]'
_PROXY = 'set a proxy where it may be seen: [sources.ytdlp.sites."{site}"] proxy'
_PROOF = (
    "YouTube wants a proof-of-origin token: install a PO-token provider plug-in of yt-dlp, "
    "or give cookies"
)
_JAVASCRIPT = "YouTube needs a JavaScript runtime: pip install 'video-rag[download]' brings deno"
_LATER = "wait: it is tried again when that may help"


@dataclass(frozen=True)
class Wall:
    """What some words or a status mean. `{site}` in the hint stands for the site."""

    reason: str
    kind: type[VideoRagError]
    hint: str
    words: str = ""
    """Regular expression that is looked for in the message, whatever the case."""
    extractor: str = ""
    """How yt-dlp's name for the part that speaks begins; empty: any."""
    retry_after: float | None = None
    """Seconds, where it is known how long such a wall stands."""

    def matches(self, message: str, extractor: str) -> bool:
        """Whether these are its words, from a part of yt-dlp of that name."""
        of_it = extractor.lower().startswith(self.extractor)
        return of_it and re.search(self.words, message, re.IGNORECASE) is not None


WALLS: tuple[Wall, ...] = (
    # Not there yet. YouTube: "This live event will begin in 3 hours.", "Premieres in 5 minutes".
    Wall(
        "upcoming",
        ContentError,
        "it is fetched once it is over",
        r"(?:event|premiere|stream) will begin|premieres (?:in|shortly)|not yet available"
        r"|(?:not currently|is not) live",
        retry_after=HOUR,
    ),
    # Bots. YouTube's apostrophe is a curly one. Addresses of data centres are asked most.
    Wall(
        "bot-check",
        Rejected,
        f"wait, and {COOKIES}; addresses of data centres are asked most often, so another proxy "
        "may help, too",
        r"not a bot|captcha challenge|ip is likely being blocked|unusual traffic|anti-bot",
    ),
    # Bilibili's risk control: yt-dlp issues 14830 (412), 16565 and 16587 (352), 5083 (cookies).
    Wall(
        "risk-control",
        Unavailable,
        f"Bilibili's risk control blocks this address for a while: wait, {COOKIES}, {_SLOWER}",
        r"blocked by server \(4\d\d\)|rejected by server \(352\)|exceeded the rate limit"
        r"|video info: (?:352|401|412)\b|request failed \(-(?:352|401|412)\)",
        extractor="bili",
    ),
    # "This content isn't available, try again later. The current session has been rate-limited by
    # YouTube for up to an hour": a guest may open about 300 videos in an hour, an account 2000.
    Wall(
        "rate-limit",
        Unavailable,
        _SLOWER,
        r"rate-limited by youtube|content isn.t available,? try again later",
        retry_after=HOUR,
    ),
    # Bilibili -509 and -799: "请求过于频繁，请稍后再试".
    Wall(
        "rate-limit",
        Unavailable,
        _SLOWER,
        r"rate.?limit|too many requests|video info: (?:509|799)\b|request failed \(-(?:509|799)\)",
    ),
    Wall(
        "sign-in",
        Rejected,
        f"sign in as its owner: {COOKIES}",
        r"as its owner|your watch ?later|need to log ?in to access",
    ),
    Wall(
        "members-only",
        ContentError,
        f"if you are a member, {COOKIES}",
        r"(?<!premium )members.only|join this channel|this channel.s members|supporter.only"
        r"|video info: 87008\b",
    ),
    Wall(
        "premium",
        ContentError,
        f"if you paid for it, {COOKIES}",
        r"premium members?|premium.only|purchase the course|requires payment|only available to "
        r"(?:paying|music)|video info: 10403\b|rent(?:al)? (?:this|to watch)",
    ),
    Wall(
        "age",
        ContentError,
        f"if your account is old enough, {COOKIES}",
        r"confirm your age|age.restricted|inappropriate for some users|age verification",
    ),
    Wall(
        "private",
        ContentError,
        f"if you were given access, {COOKIES}",
        r"private (?:video|playlist)|is private|video info: 62012\b",
    ),
    Wall("drm", ContentError, "protected videos cannot be fetched", r"\bDRM\b"),
    Wall(
        "region",
        ContentError,
        _PROXY,
        r"not available (?:in|from) your|in your country|(?<!or )geo.?(?:restrict|block)"
        r"|access to this webpage has been blocked|request failed \(-688\)",
    ),
    Wall(
        "deleted",
        ContentError,
        _LOOK,
        r"has been removed|removed by|no longer available|been (?:deleted|terminated)|not exist"
        r"|may be deleted|video (?:is )?(?:unavailable|not available)|copyright"
        r"|recording is not available|video info: (?:404|62002)\b|request failed \(-404\)",
    ),
    # Bilibili 62004: its staff still looks at the video.
    Wall("upcoming", ContentError, _LATER, r"video info: 62004\b", retry_after=HOUR),
    Wall(
        "cookies-expired",
        Rejected,
        "export the cookies again, in a private window that is closed afterwards",
        r"cookies are no longer valid",
        retry_after=DAY,
    ),
    Wall(
        "javascript",
        Rejected,
        _JAVASCRIPT,
        r"supported javascript runtime|challenge solving failed|challenge solver"
        r"|may be required to solve js",
    ),
    Wall("po-token", Rejected, _PROOF, r"\bPO.?Tokens?\b"),
    Wall(
        "forbidden",
        Rejected,
        "the site wants to see a browser: pip install 'video-rag[download]' brings what is missing",
        r"impersonat",
    ),
    Wall(
        "sign-in",
        Rejected,
        COOKIES,
        r"sign in|log(?:ged)?[ -]?in|account cookies|registered users|video info: (?:101|403)\b"
        r"|request failed \(-(?:101|403)\)",
    ),
    Wall(
        "network",
        Unavailable,
        "its certificate is refused: look at this machine's clock, and at what stands between",
        r"certificate.verify.failed|certificate has expired|self.signed|hostname mismatch",
    ),
    Wall("network", Unavailable, "look at the proxy in [sources.ytdlp]", r"proxy"),
    Wall(
        "network",
        Unavailable,
        "check the network, or try again later",
        r"timed out|time-?out|bytes read|downloaded \d+ bytes, expected|connection (?:reset|refused"
        r"|aborted|closed)|remote end closed|name resolution|failed to resolve|getaddrinfo"
        r"|unexpected_eof|network is unreachable|no route to host|giving up after|network error",
    ),
    Wall("busy", Unavailable, "try again later", r"try (?:again )?later|temporarily|overloaded"),
)
"""The first one that matches counts: what is worse, and what is said more exactly, comes first."""

FORBIDDEN = Wall("forbidden", Rejected, COOKIES)
STATUSES: dict[int, Wall] = {
    401: Wall("sign-in", Rejected, COOKIES),
    402: Wall("premium", ContentError, f"if you paid for it, {COOKIES}"),
    403: FORBIDDEN,
    404: Wall("deleted", ContentError, "check the URL"),
    407: Wall("network", Unavailable, "look at the login of the proxy in [sources.ytdlp]"),
    408: Wall("network", Unavailable, "try again later"),
    410: Wall("deleted", ContentError, "check the URL"),
    412: Wall("risk-control", Unavailable, f"wait, {COOKIES}, {_SLOWER}"),
    425: Wall("busy", Unavailable, "try again later"),
    429: Wall("rate-limit", Unavailable, f"{_SLOWER}, or {COOKIES}"),
    451: Wall("region", ContentError, _PROXY),
}
BUSY = Wall("busy", Unavailable, "try again later")
"""Every status from 500 on."""
SPECIAL: dict[tuple[str, int], Wall] = {
    # yt-dlp issue 16597: without `www.` Bilibili answers 403 to everybody.
    ("bilibili.com", 403): Wall(
        "forbidden", Rejected, f"use the address with www.bilibili.com; else {COOKIES}"
    ),
    # Formats without a token answer 403 after a while: yt-dlp's guide to PO tokens.
    ("youtube.com", 403): Wall(
        "forbidden", Rejected, f"run video-rag update; {_PROOF[0].lower()}{_PROOF[1:]}"
    ),
}
"""What a status means on one site."""
SUBTITLES_429 = Wall(
    "rate-limit",
    Unavailable,
    # yt-dlp issues 13831 and 11059: 60 seconds are reported to help where 5 do not.
    'YouTube counts subtitles: raise sleep_subtitles in [sources.ytdlp.sites."{site}"] to 60, '
    "and ask for few languages",
)

_NOTES: dict[str, str] = {
    "javascript": "no JavaScript runtime solved the site's riddle: formats may be missing",
    "po-token": "the site wants a proof-of-origin token: subtitles or formats may be missing",
    "sign-in": "the site shows subtitles only to people who are signed in",
    "cookies-expired": "the site no longer takes the cookies",
    "members-only": "only the preview that everybody may see",
    "premium": "only the preview that everybody may see",
    "drm": "some formats are protected and were passed over",
    "forbidden": "the site wants to see a browser: something may be missing",
    "rate-limit": "the site asks for fewer requests: something may be missing",
    "risk-control": "the site's risk control refused something",
    "bot-check": "the site took one of our requests for a robot's",
}


def of_words(message: str, extractor: str = "") -> Wall | None:
    """The wall that a message speaks of, if it is a known one."""
    return next((wall for wall in WALLS if wall.matches(message, extractor)), None)


def of_status(status: int, site: str, message: str = "") -> Wall | None:
    """The wall that an HTTP status stands for; `message` tells subtitles from videos."""
    if status == 429 and site == "youtube.com" and "subtitle" in message.lower():
        return SUBTITLES_429
    special = SPECIAL.get((site, status))
    return special or STATUSES.get(status) or (BUSY if status >= 500 else None)


def note(wall: Wall) -> str:
    """A line for the video's notes where the site let part of it through; "" where none is due."""
    said = _NOTES.get(wall.reason, "")
    return f"{said} ({wall.reason}); {wall.hint}" if said else ""
