"""The Jinja door: an environment tells which templates it renders."""

import asyncio
import threading
from typing import Any

import pytest
from jinja2 import DictLoader, Environment, TemplateNotFound
from jinja2.nativetypes import NativeEnvironment
from jinja2.sandbox import SandboxedEnvironment

from clarion.integrations.jinja import install, is_installed, template_rendered, uninstall

PAGES = {
    "base": "<{% block body %}{% endblock %}>",
    "page": "{% extends 'base' %}{% block body %}{{ name }}{% include 'part' %}{% endblock %}",
    "part": "!{% set x = 1 %}",
    "macros": "{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}",
    "caller": "{% from 'macros' import twice %}{{ twice(name) }}",
    "number": "{{ 41 + 1 }}",
}


@pytest.fixture
def environment():
    """Return an environment that sends."""
    made = Environment(loader=DictLoader(PAGES), autoescape=True)
    install(made)
    return made


@pytest.fixture
def heard():
    """Return a list of the names of the templates that were rendered."""
    names: list[Any] = []
    template_rendered.connect(lambda sender, template, **kwargs: names.append(template.name))
    return names


def test_keywords_are_djangos(environment):
    """The sender is the template, which is told with what it is rendered with."""
    heard: list[Any] = []

    def hear(sender, template, context, **kwargs):
        heard.append((sender is template, template.name, context["name"], kwargs))

    template_rendered.connect(hear)
    assert environment.get_template("base").render(name="Ada") == "<>"
    assert heard == [(True, "base", "Ada", {})]


def test_it_is_told_before(environment):
    """A receiver that raises keeps the template from being rendered."""
    template_rendered.connect(lambda sender, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        environment.get_template("base").render()


def test_parents_and_parts_are_told(environment, heard):
    """As in Django: a template that is extended or included is rendered, too."""
    assert environment.get_template("page").render(name="Ada") == "<Ada!>"
    assert heard == ["page", "base", "part"]


def test_modules_are_told_when_they_are_made(environment, heard):
    """What is imported is rendered once, when Jinja first needs its macros."""
    for _ in range(2):
        assert environment.get_template("caller").render(name="ab") == "abab"
    assert heard == ["caller", "macros", "caller"]


@pytest.mark.parametrize("render", ["render", "generate", "stream"])
def test_each_way_to_render_is_told(environment, heard, render):
    """In one piece, in parts, or as a stream."""
    assert "".join(getattr(environment.get_template("base"), render)()) == "<>"
    assert heard == ["base"]


def test_a_template_of_a_string_is_told(environment, heard):
    """It has no name, and is told all the same."""
    assert environment.from_string("hello").render() == "hello"
    assert heard == [None]


@pytest.mark.parametrize("kind", [NativeEnvironment, SandboxedEnvironment])
def test_other_environments_stay_what_they_are(heard, kind):
    """Native types come out native, and what is forbidden stays so."""
    environment = kind(loader=DictLoader(PAGES))
    install(environment)
    expected = 42 if kind is NativeEnvironment else "42"
    assert environment.get_template("number").render() == expected
    assert heard == ["number"]


def test_async_environments_await_the_receivers(heard):
    """Sync receivers run in a thread, and all ways to render are told."""
    environment = Environment(loader=DictLoader(PAGES), enable_async=True, autoescape=True)
    install(environment)
    threads: list[Any] = []

    async def hear(sender, **kwargs):
        await asyncio.sleep(0)
        threads.append(threading.current_thread())

    template_rendered.connect(hear)
    template_rendered.connect(
        lambda sender, **kwargs: threads.append(threading.current_thread()), priority=1
    )

    async def render():
        template = environment.get_template("page")
        parts = [part async for part in template.generate_async(name="Bob")]
        return await template.render_async(name="Ada"), "".join(parts)

    assert asyncio.run(render()) == ("<Ada!>", "<Bob!>")
    assert heard == ["page", "base", "part"] * 2
    assert threading.main_thread() in threads
    assert {*threads} != {threading.main_thread()}
    assert environment.get_template("page").render(name="Ada") == "<Ada!>"
    assert len(heard) == 9


def test_nobody_needs_to_listen(environment):
    """Without receivers Jinja gets the very function that it has compiled."""
    template = environment.get_template("page")
    assert template.root_render_func is template._render
    assert template.render(name="Ada") == "<Ada!>"


def test_only_what_was_installed_sends(environment, heard):
    """Another environment, and Jinja's own classes, are left alone."""
    other = Environment(loader=DictLoader(PAGES), autoescape=True)
    other.get_template("base").render()
    assert heard == []
    assert is_installed(environment)
    assert not is_installed(other)


def test_installing_twice_sends_once(environment, heard):
    """A second call changes nothing."""
    kind = environment.template_class
    install(environment)
    assert environment.template_class is kind
    environment.get_template("base").render()
    assert heard == ["base"]


def test_templates_that_were_loaded_before_send(heard):
    """They are loaded anew; and without a cache they are anyway."""
    for size in (400, 0):
        environment = Environment(loader=DictLoader(PAGES), cache_size=size, autoescape=True)
        environment.get_template("base").render()
        install(environment)
        environment.get_template("base").render()
    assert heard == ["base", "base"]


def test_uninstalling_gives_the_environment_back(environment, heard):
    """Its template class is the former one, and nothing is sent."""
    uninstall(environment)
    uninstall(environment)
    assert environment.template_class is Environment.template_class
    environment.get_template("base").render()
    assert heard == []


def test_an_overlay_sends(environment, heard):
    """What is made from the environment later is told of as well."""
    environment.overlay(trim_blocks=True).get_template("base").render()
    assert heard == ["base"]


def test_errors_are_jinjas(environment, heard):
    """What Jinja raises comes out as it is."""
    with pytest.raises(TemplateNotFound):
        environment.from_string("{% include 'missing' %}").render()
    with pytest.raises(ZeroDivisionError):
        environment.from_string("{{ 1 / 0 }}").render()
