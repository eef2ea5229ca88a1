"""Subscriptions, what was seen of their lists, and the memory of web sites, in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from video_rag.net.sites import SiteState
from video_rag.stores import Entry, Subscription
from video_rag.stores.tables import entries, sites, subscriptions
from video_rag.stores.transactions import Transactions


class SqlWatchlist:
    """The watchlist of a ledger: see `stores.Watchlist`."""

    def __init__(self, reader: Transactions, writer: Transactions) -> None:
        self._reader = reader
        self._writer = writer

    def subscriptions(self) -> list[Subscription]:
        """Every subscription, in the order they were added."""
        query = sa.select(subscriptions).order_by(subscriptions.c.position)
        with self._reader.begin() as db:
            rows = [dict(row) for row in db.execute(query).mappings()]
        return [Subscription(**_without(row, "position")) for row in rows]

    def subscribe(self, subscription: Subscription) -> None:
        """Keep a subscription in place of an earlier one of the same URL; its entries stay."""
        row = asdict(subscription)
        statement = insert(subscriptions).values(**row)
        known = statement.on_conflict_do_update(index_elements=["url"], set_=_without(row, "url"))
        with self._writer.begin() as db:
            db.execute(known)

    def unsubscribe(self, url: str) -> bool:
        """Forget a subscription and its entries; false if there is none."""
        with self._writer.begin() as db:
            db.execute(sa.delete(entries).where(entries.c.url == url))
            done = db.execute(sa.delete(subscriptions).where(subscriptions.c.url == url))
            return bool(done.rowcount)

    def entries(self, url: str) -> dict[str, Entry]:
        """What was seen of a list, by key."""
        names = [field.name for field in fields(Entry)]
        ids = names.index("video_ids")  # JSON knows no tuples
        query = sa.select(*(entries.c[name] for name in names)).where(entries.c.url == url)
        with self._reader.begin() as db:
            rows = [(*row[:ids], tuple(row[ids]), *row[ids + 1 :]) for row in db.execute(query)]
        return {row[0]: Entry(*row) for row in rows}

    def counts(self, url: str) -> dict[str, int]:
        """How many of its entries are in each state."""
        c = entries.c
        query = sa.select(c.state, sa.func.count()).where(c.url == url).group_by(c.state)
        with self._reader.begin() as db:
            return {str(row[0]): int(row[1]) for row in db.execute(query)}

    def see(self, url: str, seen: Iterable[Entry]) -> None:
        """Keep entries in place of earlier ones of the same key; nothing for an unknown URL."""
        rows = [{"url": url, **vars(entry), "video_ids": list(entry.video_ids)} for entry in seen]
        if not rows:
            return
        statement = insert(entries)
        new = {name: statement.excluded[name] for name in rows[0] if name not in ("url", "key")}
        known = sa.select(subscriptions.c.url).where(subscriptions.c.url == url)
        with self._writer.begin() as db:
            if db.scalar(known) is not None:
                db.execute(
                    statement.on_conflict_do_update(index_elements=["url", "key"], set_=new), rows
                )


class SqlSites:
    """The memory of web sites: see `sites.Sites`."""

    def __init__(self, reader: Transactions, writer: Transactions) -> None:
        self._reader = reader
        self._writer = writer

    def site(self, name: str) -> SiteState:
        """What is known of a site; an empty state for one that is unknown."""
        with self._reader.begin() as db:
            return _site(db, name)

    def sites(self) -> list[SiteState]:
        """Every site that was visited, by name."""
        with self._reader.begin() as db:
            rows = db.execute(sa.select(sites).order_by(sites.c.site)).mappings()
            return [SiteState(**row) for row in rows]

    def change(self, name: str, change: Callable[[SiteState], SiteState]) -> SiteState:
        """Replace a state by what `change` makes of it, in one transaction; returns the new one."""
        with self._writer.begin() as db:
            new = change(_site(db, name))
            row = asdict(new)
            statement = insert(sites).values(**row)
            more = _without(row, "site")
            db.execute(statement.on_conflict_do_update(index_elements=["site"], set_=more))
        return new


def _site(db: sa.Connection, name: str) -> SiteState:
    row = db.execute(sa.select(sites).where(sites.c.site == name)).mappings().one_or_none()
    return SiteState(**row) if row else SiteState(name)


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
