"""Receivers from Django's documentation, in a program that is not strictly checked."""

from clarion import Signal, receiver
from clarion.integrations.sqlalchemy import m2m_changed, post_init, post_save, pre_delete, pre_save
from clarion.signals import (
    got_request_exception,
    post_migrate,
    request_finished,
    request_started,
    setting_changed,
    template_rendered,
)

pizza_done = Signal()


class Pizza:
    """A mapped class."""

    toppings = object()


@receiver(request_started)
@receiver(request_finished)
def my_callback(sender, **kwargs):
    print("Request finished!")


@receiver(got_request_exception)
def on_exception(sender, request, **kwargs):
    print(request.exception)


@receiver(pre_save, sender=Pizza)
def my_handler(sender, **kwargs):
    kwargs["instance"].toppings = ()


@receiver([post_save, post_init], sender=Pizza)
def of_several(sender, instance, **kwargs):
    print(instance.toppings)


@receiver(post_save, sender=Pizza, dispatch_uid="my_unique_identifier")
def after_save(sender, instance, created, update_fields, **kwargs):
    print(instance.toppings)


@receiver(pre_delete, sender=Pizza)
async def before_delete(sender, instance, using, origin, **kwargs):
    print(instance.toppings)


@receiver(m2m_changed, sender=Pizza.toppings)
def toppings_changed(sender, instance, action, reverse, model, pk_set, **kwargs):
    print(pk_set)


@receiver(setting_changed)
def reconnect(*, setting, value, enter, **kwargs):
    print(setting.upper())


@receiver(template_rendered)
def store_rendered(signal, sender, template, context, **kwargs):
    print(template.name)


@receiver(post_migrate)
def my_migrated(sender, **kwargs):
    print(kwargs["plan"])


@receiver(pizza_done)
def on_done(sender, toppings, size, **kwargs):
    print(toppings)


request_finished.connect(my_callback)
post_save.connect(after_save, sender=Pizza, dispatch_uid="my_unique_identifier")
post_save.disconnect(after_save, sender=Pizza)
after_save(Pizza, Pizza(), created=True, update_fields=None)
pizza_done.send(sender=Pizza, toppings=[], size=1)


@receiver(setting_changed)  # E: misspelt keyword
def misspelt(sender, setting, values):
    print(values)


after_save(Pizza, created=True)  # E: no instance
