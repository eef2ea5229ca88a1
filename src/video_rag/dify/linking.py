"""How a passage's address mark becomes a link, as a rule that a language model can follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

SAMPLE = 12345
"""A second that stands in no address by chance."""
LocalLink = tuple[str, Callable[[float], str]]
"""The id of a video, and what gives the link to a second of it."""


@dataclass(frozen=True)
class LinkRule:
    """`⟦youtube:ID@START-END⟧` → `https://www.youtube.com/watch?v=ID&t=STARTs`."""

    mark: str
    address: str

    def __str__(self) -> str:
        return f"{self.mark} → {self.address}"


def link_rules(videos: Iterable[LocalLink], public_url: str = "") -> list[LinkRule]:
    """One rule for each kind of video id, the most frequent first.

    A rule is read off the links themselves, and the one that most videos of a kind agree on counts.
    Kinds whose links lead to files or do not hold the id get the page of `public_url`; without one
    they get no rule, so that nobody makes a link up.
    """
    found: dict[str, Counter[str]] = {}
    for video_id, link in videos:
        kind, _, native = video_id.partition(":")
        found.setdefault(kind, Counter())[_template(native, link(SAMPLE))] += 1
    page = f"{public_url.rstrip('/')}/#/video/{{kind}}:ID?t=START" if public_url else ""
    rules = []
    for kind, templates in sorted(found.items(), key=lambda item: (-item[1].total(), item[0])):
        address = templates.most_common(1)[0][0] or page.format(kind=quote(kind))
        if address:
            rules.append(LinkRule(f"⟦{kind}:ID@START-END⟧", address))
    return rules


def _template(native: str, url: str) -> str:
    """A link with `ID` and `START` in place of its own; empty when it holds not both."""
    if not url.startswith(("http://", "https://")) or str(SAMPLE) not in url:
        return ""
    if not native or url.count(native) != 1:
        return ""
    return url.replace(native, "ID").replace(str(SAMPLE), "START")
