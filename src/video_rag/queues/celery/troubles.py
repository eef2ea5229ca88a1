"""What goes wrong with RabbitMQ, in our words: said once, for whoever talks to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from amqp import exceptions as amqp
from kombu.exceptions import KombuError, OperationalError

from video_rag.errors import BackendError, Rejected, Unavailable

_AWAY = "start it, or correct url in [queues.celery]; the ledger keeps all that is to be done"
TROUBLES = (amqp.AMQPError, KombuError, OSError)
"""What Celery and its libraries raise when RabbitMQ is away or refuses."""


@contextmanager
def told(where: str) -> Iterator[None]:
    """Raise what happens within as `Unavailable` or `Rejected`."""
    try:
        yield
    except TROUBLES as error:
        raise trouble(error, where) from error


def trouble(error: BaseException, where: str) -> BackendError:
    """What an error of AMQP means for whoever runs this."""
    cause = error
    while isinstance(cause, OperationalError) and cause.__cause__ is not None:
        cause = cause.__cause__
    said = _words(cause)
    if isinstance(cause, amqp.PreconditionFailed) and "timed out" in said:
        hint = "set consumer_timeout in rabbitmq.conf above the longest stage, in milliseconds"
        return Unavailable(
            f"a stage takes longer than RabbitMQ at {where} waits: {said}", hint=hint
        )
    if isinstance(cause, amqp.PreconditionFailed):
        hint = "another version or other options of [queues.celery] declared it: let the workers"
        hint += " empty it and delete it, or choose another prefix"
        return Rejected(f"a queue of RabbitMQ at {where} is declared otherwise: {said}", hint=hint)
    if isinstance(cause, amqp.AccessRefused):
        hint = "correct user and password in url of [queues.celery], or what the user may do there"
        return Rejected(f"RabbitMQ at {where} refuses this user: {said}", hint=hint)
    if isinstance(cause, amqp.NotAllowed):
        hint = "correct the virtual host at the end of url in [queues.celery], or make it"
        return Rejected(f"RabbitMQ at {where} has no such virtual host: {said}", hint=hint)
    if isinstance(cause, TimeoutError):
        said = "no answer in time; it takes nothing while its disk or memory is full"
    return Unavailable(f"RabbitMQ at {where} does not answer: {said}", hint=_AWAY)


def _words(error: BaseException) -> str:
    """What an error says, in one line."""
    text = getattr(error, "reply_text", None) or getattr(error, "strerror", None) or str(error)
    line = " ".join(str(text).split())
    return line or type(error).__name__
