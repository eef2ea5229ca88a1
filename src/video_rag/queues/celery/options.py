"""The options of the queue."""

from __future__ import annotations

from pydantic import Field

from video_rag.plugins import Options, inert


class CeleryOptions(Options):
    """How RabbitMQ is reached, and how its queues are declared."""

    url: str = inert(
        "amqp://guest:guest@127.0.0.1:5672//",
        description="Address of RabbitMQ: amqp://user:password@host:port/vhost, or amqps://.",
    )
    prefix: str = Field(
        "video-rag",
        pattern=r"^[\w.-]{1,60}$",
        description="What the names of queues begin with; libraries that share a RabbitMQ "
        "have one each.",
    )
    deliveries: int = Field(
        20,
        ge=1,
        le=1000,
        description="How often a message is brought before it is put among the dead letters, "
        "since it ended every worker that took it.",
    )
    hold_hours: float = Field(
        12.0,
        gt=0,
        le=240,
        description="Hours that a worker may hold a message: longer than the longest stage. "
        "RabbitMQ 3.12 and later keep to it; before, set consumer_timeout there.",
    )
    confirm_seconds: float = Field(
        10.0, ge=1, le=300, description="How long RabbitMQ may take to confirm a message."
    )
