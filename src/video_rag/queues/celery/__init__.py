"""Workers on any number of machines, fed by RabbitMQ through Celery."""

from video_rag.queues.celery.queue import Celery

__all__ = ["Celery"]
