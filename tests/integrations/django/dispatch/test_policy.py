"""How Django's signals behave, as their tables say."""

import asyncio
import threading

from django.db.models.signals import post_init, post_save, pre_save
from django.dispatch import Signal

from clarion.integrations.django import post_bulk_insert
from clarion.integrations.django.dispatch.policy import DJANGO, AsgirefPolicy
from clarion.integrations.django.orm.change_requests import SAVES
from clarion.policy import policy_of


def test_each_kind_has_its_policy():
    """The policy of saves provides changes, and that of bulk writes is of declared signals."""
    assert policy_of(Signal()) is policy_of(post_init) is DJANGO
    assert policy_of(pre_save) is policy_of(post_save) is SAVES
    assert SAVES.provides == ("changes",)
    assert isinstance(policy_of(post_bulk_insert), AsgirefPolicy)
    assert "objs" in (policy_of(post_bulk_insert).parameters or ())


def test_threads_are_taken_by_asgiref():
    """Receivers run in asgiref's thread for sensitive code, which is not the loop's."""

    async def run():
        return [await DJANGO.run_in_thread(threading.get_ident) for _ in range(2)]

    first, second = asyncio.run(run())
    assert first == second != threading.get_ident()


def test_coroutines_run_by_asgiref():
    """A coroutine runs to completion in a thread where no event loop runs."""

    async def answer():
        return 42

    assert DJANGO.run_coroutine(answer()) == 42
