""" "clarion" in INSTALLED_APPS is the app of the Django integration."""

from functools import cache
from itertools import permutations

import pytest

pytest.importorskip("django")

from tests.integrations.django import programs

ENTRIES = ("clarion", "clarion.integrations.django")

# Use all that the app provides: the options of connect, the command, and Django's checks.
PROGRAM = """
from clarion.integrations.django import is_installed

settings.INSTALLED_APPS += {listed}
django.setup()

from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver
from clarion import on_commit

@receiver(post_save, sender="auth.User", delivery=on_commit, priority=3)
def welcome(instance, **kwargs):
    print("welcome", instance.username)

print(is_installed(), apps.get_app_config("clarion").name)
call_command("check", fail_level="WARNING", verbosity=0)
call_command("makemigrations", check=True, verbosity=0)
call_command("migrate", verbosity=0)
call_command("signals", "post_save")
with transaction.atomic():
    User.objects.create(username="ada")
    print("not committed")
"""


@cache
def run(*listed):
    """Run a program with these entries in INSTALLED_APPS; return its output."""
    return programs.run(PROGRAM.format(listed=[*listed]))


def test_it_is_the_same_app():
    """Both names select the same app, with the same command."""
    short, long = map(run, ENTRIES)
    assert short == long
    assert short[0] == "True clarion.integrations.django"
    assert short[-2:] == ["not committed", "welcome ada"]


@pytest.mark.parametrize("listed", [*permutations(ENTRIES)], ids=" ".join)
def test_both_may_be_listed(listed):
    """Both names together are accepted, for example in a base file and its extension."""
    assert run(*listed) == run("clarion")


@pytest.mark.parametrize("entry", ["clarion.apps.ClarionConfig", *ENTRIES])
def test_settings_may_be_overridden(entry):
    """The list may be replaced while the program runs, as tests do."""
    lines = programs.run(
        f"""
        django.setup()
        from django.apps import apps
        from django.test import override_settings

        for _ in range(2):
            with override_settings(INSTALLED_APPS=[{entry!r}, "django.contrib.contenttypes"]):
                print([config.label for config in apps.get_app_configs()])
        """
    )
    assert lines == ["['clarion', 'contenttypes']"] * 2
