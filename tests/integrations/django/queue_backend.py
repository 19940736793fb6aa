"""A backend of django.tasks that could have workers."""

from clarion.integrations.django.tasks import tasks  # type: ignore[attr-defined]


class QueueBackend(type(tasks.task_backends["dummy"])):  # type: ignore[misc]
    """Keeps its tasks, as the DummyBackend."""
