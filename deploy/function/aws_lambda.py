"""AWS Lambda: handler `aws_lambda.handler`, called by EventBridge Scheduler."""

from __future__ import annotations

from typing import Any

from ticking import tick_within


def handler(event: object, context: Any) -> dict[str, Any]:
    """One tick; what the event says makes no difference. Returns what was done."""
    del event
    return tick_within(context.get_remaining_time_in_millis() / 1000)
