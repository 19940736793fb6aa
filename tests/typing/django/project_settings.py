"""The settings that the plugin of django-stubs reads."""

SECRET_KEY = "for the checkers"
INSTALLED_APPS = ["shop", "clarion"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
