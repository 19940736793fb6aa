"""The app config installs when Django creates it."""

from tests.integrations.django import programs


def test_the_app_installs_before_models_are_imported():
    """When the first model is imported, Django runs on Clarion already."""
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
