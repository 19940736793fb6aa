"""A project with an admin and an outbox, for programs in an interpreter of their own."""

from textwrap import dedent

from tests.integrations.django import programs

SETTINGS = """
settings.INSTALLED_APPS += [
    "django.contrib.sessions", "django.contrib.messages", "django.contrib.admin",
    "clarion", "clarion.integrations.django.outbox",
]
settings.MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
settings.TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
settings.SECRET_KEY = "for tests"
settings.DATABASES["other"] = dict(settings.DATABASES["default"])
settings.ROOT_URLCONF = "__main__"
settings.ALLOWED_HOSTS = ["testserver"]
settings.STATIC_URL = "static/"
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
django.setup()
import re, sys
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import path
from clarion import Signal
from clarion.envelope import seal
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.models import Dead, Delivery
from clarion.outbox import store
from clarion.outbox.delivery_row import Target

urlpatterns = [path("admin/", admin.site.urls)]
call_command("migrate", verbosity=0)
paid = Signal(name="shop.paid")
HOSTILE = "</pre><script>alert(1)</script>"
URL = "/admin/clarion_outbox/dead/"

def publish(*targets, using="default"):
    envelope = seal(paid, {"sender": None, "signal": paid, "note": HOSTILE})
    with transaction.atomic(using=using):
        store.publish(DjangoConnection(using), envelope, targets)

def bury(receiver, using="default"):
    publish(Target(receiver), using=using)
    connection = DjangoConnection(using)
    with transaction.atomic(using=using):
        [claim] = store.claim(connection, receiver, 1, 1000)
        store.bury(connection, receiver, claim, "Traceback\\n" + HOSTILE, block=True)
    return claim.id

def client(*permissions, **options):
    user = User.objects.create_user("-".join(permissions) or "nobody", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    found = Client(**options)
    found.force_login(user)
    return found

everything = ("view_dead", "change_dead", "delete_dead", "view_delivery")
"""


def run(program):
    """Run a program after the setup of a project with an admin."""
    return programs.run(dedent(program), after_settings=SETTINGS)
