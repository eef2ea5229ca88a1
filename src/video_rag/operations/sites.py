"""What is remembered of web sites: shown, and forgotten where a person knows better."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from video_rag.errors import NotFound
from video_rag.net.sites import Sites, SiteState, site_of


def rows(sites: Sites, now: float | None = None) -> list[dict[str, Any]]:
    """Every site that was visited, by name; times are ISO 8601 in UTC."""
    now = time.time() if now is None else now
    return [_row(state, now) for state in sites.sites()]


def forget(sites: Sites, name: str) -> SiteState:
    """Visit a site again at once; `name` may be a URL. What was fetched today still counts.

    Raises `NotFound` for a site that was never visited.
    """
    site = site_of(name) if "://" in name else site_of(f"https://{name}")
    known = [state.site for state in sites.sites()]
    if site not in known:
        hint = f"known: {', '.join(known)}" if known else "no site was visited yet"
        raise NotFound(f"nothing is remembered of {site or name}", hint=hint)
    return sites.change(site, lambda state: SiteState(site, day=state.day, visits=state.visits))


def today(now: float) -> str:
    """The day of visits that count now (UTC), as sites remember it."""
    return dt.datetime.fromtimestamp(now, dt.UTC).date().isoformat()


def _row(state: SiteState, now: float) -> dict[str, Any]:
    is_cooling = state.is_cooling(now)
    return {
        "site": state.site,
        "is_cooling": is_cooling,
        "cooling_until": _moment(state.cooling_until) if is_cooling else None,
        "since": _moment(state.since) if is_cooling else None,
        "reason": state.reason,
        "message": state.message,
        "strikes": state.strikes,
        "visits_today": state.visits if state.day == today(now) else 0,
    }


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
