"""Which documents meet the conditions of a search on their metadata."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from video_rag.testing.dify.payloads import Condition, MetadataFilteringCondition
from video_rag.testing.dify.records import Dataset


def documents(dataset: Dataset, wanted: MetadataFilteringCondition | None) -> set[str] | None:
    """The ids of those that do; None when nothing was asked."""
    if not wanted or not wanted.conditions:
        return None
    join = any if wanted.logical_operator == "or" else all
    return {
        document.id
        for document in dataset.documents.values()
        if join(meets(document.metadata or {}, one) for one in wanted.conditions)
    }


def meets(values: Mapping[str, Any], condition: Condition) -> bool:
    """Whether these values do. As in SQL, a value that is not there meets only `empty`."""
    found, wanted = values.get(condition.name), condition.value
    operator = condition.comparison_operator
    if operator in {"empty", "not empty"}:
        return (found is None) == (operator == "empty")
    if found is None or wanted is None:
        return False
    if operator in {"in", "not in"}:
        several = wanted if isinstance(wanted, list) else str(wanted).split(",")
        return (str(found) in {str(one).strip() for one in several}) == (operator == "in")
    if operator in _TEXTS:
        return _TEXTS[operator](str(found), str(wanted))
    if operator in {"is", "is not"} and isinstance(wanted, str):
        return (str(found) == wanted) == (operator == "is")
    return _numbers(found, operator, wanted)


def _numbers(found: Any, operator: str, wanted: Any) -> bool:
    try:
        return _NUMBERS[operator](float(found), float(wanted))
    except (TypeError, ValueError):
        return False


_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda found, wanted: wanted in found,
    "not contains": lambda found, wanted: wanted not in found,
    "start with": str.startswith,
    "end with": str.endswith,
}
_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "is": lambda found, wanted: found == wanted,
    "=": lambda found, wanted: found == wanted,
    "is not": lambda found, wanted: found != wanted,
    "≠": lambda found, wanted: found != wanted,
    "<": lambda found, wanted: found < wanted,
    "before": lambda found, wanted: found < wanted,
    ">": lambda found, wanted: found > wanted,
    "after": lambda found, wanted: found > wanted,
    "≤": lambda found, wanted: found <= wanted,
    "≥": lambda found, wanted: found >= wanted,
}
