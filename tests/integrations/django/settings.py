"""The project that the tests of the Django integration run in."""

from importlib.util import find_spec

SECRET_KEY = "for tests"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.staticfiles",
    "debug_toolbar",
    "tests.integrations.django.library",
    "clarion.integrations.django",
    "clarion.integrations.django.outbox",
]
ROOT_URLCONF = "tests.integrations.django.urls"
STATIC_URL = "static/"
DEBUG_TOOLBAR_CONFIG = {"IS_RUNNING_TESTS": False}
_BACKENDS = f"{'django.tasks' if find_spec('django.tasks') else 'django_tasks'}.backends"
TASKS = {
    "default": {"BACKEND": f"{_BACKENDS}.immediate.ImmediateBackend"},
    "dummy": {"BACKEND": f"{_BACKENDS}.dummy.DummyBackend", "QUEUES": ["default", "mail"]},
    "queue": {"BACKEND": "tests.integrations.django.queue_backend.QueueBackend"},
}
