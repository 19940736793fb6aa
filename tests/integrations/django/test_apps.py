"""The app config installs when Django creates it."""

import pytest

from tests.integrations.django import programs


def test_the_app_installs_before_models_are_imported():
    """When the first model is imported, Django already runs on Clarion."""
    lines = programs.run(
        """
        from django.apps import apps
        from django.db.models.signals import class_prepared
        from clarion.integrations.django import is_installed

        class_prepared.connect(lambda sender, **kw: print(sender.__name__, is_installed()), weak=False)
        settings.INSTALLED_APPS += ["clarion.integrations.django"]
        print(is_installed())
        django.setup()
        print(apps.get_app_config("clarion").name)
        """
    )
    assert lines[0] == "False"
    assert lines[-1] == "clarion.integrations.django"
    assert "User True" in lines


def test_the_app_has_nothing_to_migrate():
    """The app has no model, so it needs no migration."""
    from django.apps import apps

    assert list(apps.get_app_config("clarion").get_models()) == []


def test_without_the_app_options_are_refused():
    """The message of `clarion.receiver` names the line that is missing."""
    lines = programs.run(
        """
        django.setup()
        from django.db.models.signals import post_delete, post_save
        from clarion import on_commit, receiver
        from clarion.errors import ArgumentError

        def note(**kwargs):
            pass

        for options in ({"delivery": on_commit}, {"priority": 3, "once": True}):
            try:
                receiver([post_save, post_delete], **options)(note)
            except ArgumentError as error:
                print(error, error.names)
        print(post_save.receivers, post_delete.receivers)
        """
    )
    sentence = (
        "A Django signal does not take {}, because Django does not run on Clarion. "
        "Add 'clarion.integrations.django' to INSTALLED_APPS. {}"
    )
    assert lines == [
        sentence.format("delivery", ("delivery",)),
        sentence.format("once, priority", ("once", "priority")),
        "[] []",
    ]


def test_without_the_app_djangos_options_work_and_models_are_stored():
    """`clarion.receiver` connects to several signals; after `install()`, an instance is a reference."""
    lines = programs.run(
        """
        django.setup()
        from django.core.signals import request_finished, request_started
        from clarion import receiver

        @receiver([request_started, request_finished], sender="shop", dispatch_uid="note")
        def note(sender, **kwargs):
            print("sent by", sender)

        request_started.send(sender="shop")

        from django.contrib.auth.models import User
        from django.db.models.signals import post_save
        from clarion.envelope import seal
        from clarion.integrations.django import install

        install()
        user = User.from_db("default", ["id"], [7])
        stored = seal(post_save, {"sender": User, "instance": user})
        print(stored.to_json().count('\\\\"pk\\\\":7'))
        """
    )
    assert lines == ["sent by shop", "1"]


DISCOVER = """
import sys, types, tempfile, pathlib
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "shop").mkdir()
(folder / "shop" / "__init__.py").write_text("")
for name in ("receivers", "handlers"):
    (folder / "shop" / f"{name}.py").write_text(
        "from django.contrib.auth.models import User\\n"
        "from django.db.models.signals import post_save\\n"
        "from clarion import receiver\\n"
        "@receiver(post_save, sender=User, priority=1)\\n"
        f"def save(**kwargs): print('{name}')\\n"
    )
sys.path.insert(0, str(folder))
settings.INSTALLED_APPS += ["shop", "clarion"]
"""


@pytest.mark.parametrize(
    ("setting", "printed"),
    [
        ("", []),
        ("settings.CLARION_AUTODISCOVER = False", []),
        ("settings.CLARION_AUTODISCOVER = True", ["receivers"]),
        ("settings.CLARION_AUTODISCOVER = 'handlers'", ["handlers"]),
        ("settings.CLARION_AUTODISCOVER = ['handlers', 'receivers']", ["handlers", "receivers"]),
    ],
)
def test_receivers_of_each_app_are_imported(setting, printed):
    """If the setting asks for it, each app's receivers are imported; an app without them is skipped."""
    lines = programs.run(
        f"""{setting}
django.setup()
from django.contrib.auth.models import User
from django.db.models.signals import post_save
post_save.send(User, instance=None)
""",
        after_settings=DISCOVER,
    )
    assert lines == printed


def test_an_error_in_a_module_of_receivers_is_raised():
    """Django's setup fails with the program's own error."""
    lines = programs.run(
        """
        (folder / "shop" / "receivers.py").write_text("import missing_module")
        settings.CLARION_AUTODISCOVER = True
        try:
            django.setup()
        except ModuleNotFoundError as error:
            print(error.name)
        """,
        after_settings=DISCOVER,
    )
    assert lines == ["missing_module"]


def test_a_wrong_setting_is_refused():
    """A wrong setting is refused in one sentence, without its value."""
    lines = programs.run(
        """
        from django.core.exceptions import ImproperlyConfigured

        for wrong in (3, "shop.receivers", ["hunter2!"], {"receivers"}):
            settings.CLARION_AUTODISCOVER = wrong
            try:
                django.apps.apps.get_app_config("clarion").ready()
            except ImproperlyConfigured as error:
                print(error)
        """,
        after_settings=DISCOVER + "django.setup()\n",
    )
    assert len(lines) == 4
    assert lines[0].startswith("CLARION_AUTODISCOVER is an int. Set it to True for")


def test_a_misspelt_module_is_refused():
    """A module that no installed app has is refused, because no receiver would be connected."""
    lines = programs.run(
        """
        from django.core.exceptions import ImproperlyConfigured

        settings.CLARION_AUTODISCOVER = ["receivers", "handlres"]
        try:
            django.setup()
        except ImproperlyConfigured as error:
            print(error)
        """,
        after_settings=DISCOVER,
    )
    [line] = lines
    assert line.startswith("CLARION_AUTODISCOVER names the module handlres, which no installed app")
