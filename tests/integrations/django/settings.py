"""The project that the tests of the Django integration run in."""

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
