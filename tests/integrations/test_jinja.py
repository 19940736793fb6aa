"""template_rendered, of the templates of a Jinja environment."""

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
    """Return an environment that sends the signal."""
    made = Environment(loader=DictLoader(PAGES), autoescape=True)
    install(made)
    return made


@pytest.fixture
def rendered():
    """Return a list of the names of the templates that were rendered."""
    names: list[Any] = []
    template_rendered.connect(lambda sender, template, **kwargs: names.append(template.name))
    return names


def test_keywords_are_djangos(environment):
    """The sender is the template, and the context has the values that it is rendered with."""
    rendered: list[Any] = []

    def note(sender, template, context, **kwargs):
        rendered.append((sender is template, template.name, context["name"], kwargs))

    template_rendered.connect(note)
    assert environment.get_template("base").render(name="Ada") == "<>"
    assert rendered == [(True, "base", "Ada", {})]


def test_it_is_sent_before(environment):
    """If a receiver raises, the template is not rendered."""
    template_rendered.connect(lambda sender, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        environment.get_template("base").render()


def test_other_templates_of_a_page(environment, rendered):
    """An extended or included template sends the signal too, as in Django."""
    assert environment.get_template("page").render(name="Ada") == "<Ada!>"
    assert rendered == ["page", "base", "part"]


def test_imported_templates(environment, rendered):
    """An imported template is rendered once, when Jinja first needs its macros."""
    for _ in range(2):
        assert environment.get_template("caller").render(name="ab") == "abab"
    assert rendered == ["caller", "macros", "caller"]


@pytest.mark.parametrize("render", ["render", "generate", "stream"])
def test_each_way_to_render(environment, rendered, render):
    """A template sends when it is rendered in one piece, in parts, or as a stream."""
    assert "".join(getattr(environment.get_template("base"), render)()) == "<>"
    assert rendered == ["base"]


def test_a_template_of_a_string(environment, rendered):
    """A template of a string sends, although it has no name."""
    assert environment.from_string("hello").render() == "hello"
    assert rendered == [None]


@pytest.mark.parametrize("kind", [NativeEnvironment, SandboxedEnvironment])
def test_other_environments_keep_their_behaviour(rendered, kind):
    """Native types stay native, and a sandbox stays one."""
    environment = kind(loader=DictLoader(PAGES))
    install(environment)
    expected = 42 if kind is NativeEnvironment else "42"
    assert environment.get_template("number").render() == expected
    assert rendered == ["number"]


def test_async_environments_await_the_receivers(rendered):
    """Sync receivers run in a worker thread, whichever way the template is rendered."""
    environment = Environment(loader=DictLoader(PAGES), enable_async=True, autoescape=True)
    install(environment)
    threads: list[Any] = []

    async def note(sender, **kwargs):
        await asyncio.sleep(0)
        threads.append(threading.current_thread())

    template_rendered.connect(note)
    template_rendered.connect(
        lambda sender, **kwargs: threads.append(threading.current_thread()), priority=1
    )

    async def render():
        template = environment.get_template("page")
        parts = [part async for part in template.generate_async(name="Bob")]
        return await template.render_async(name="Ada"), "".join(parts)

    assert asyncio.run(render()) == ("<Ada!>", "<Bob!>")
    assert rendered == ["page", "base", "part"] * 2
    assert threading.main_thread() in threads
    assert {*threads} != {threading.main_thread()}
    assert environment.get_template("page").render(name="Ada") == "<Ada!>"
    assert len(rendered) == 9


def test_without_receivers_nothing_is_wrapped(environment):
    """Without receivers Jinja gets the function that it has compiled."""
    template = environment.get_template("page")
    assert template.root_render_func is template._render
    assert template.render(name="Ada") == "<Ada!>"


def test_other_environments_send_nothing(environment, rendered):
    """Another environment, and Jinja's own classes, are not changed and send nothing."""
    other = Environment(loader=DictLoader(PAGES), autoescape=True)
    other.get_template("base").render()
    assert rendered == []
    assert is_installed(environment)
    assert not is_installed(other)


def test_installing_twice_sends_once(environment, rendered):
    """After a second call of install, a template sends once."""
    kind = environment.template_class
    install(environment)
    assert environment.template_class is kind
    environment.get_template("base").render()
    assert rendered == ["base"]


def test_templates_that_were_loaded_before(rendered):
    """Templates loaded before are loaded again, with and without a cache."""
    for size in (400, 0):
        environment = Environment(loader=DictLoader(PAGES), cache_size=size, autoescape=True)
        environment.get_template("base").render()
        install(environment)
        environment.get_template("base").render()
    assert rendered == ["base", "base"]


def test_uninstalling_restores_the_environment(environment, rendered):
    """After uninstall the environment has its former template class, and sends nothing."""
    uninstall(environment)
    uninstall(environment)
    assert environment.template_class is Environment.template_class
    environment.get_template("base").render()
    assert rendered == []


def test_an_overlay_sends(environment, rendered):
    """An overlay that is made later sends, too."""
    environment.overlay(trim_blocks=True).get_template("base").render()
    assert rendered == ["base"]


def test_errors_are_jinjas(environment, rendered):
    """Exceptions of Jinja are raised unchanged."""
    with pytest.raises(TemplateNotFound):
        environment.from_string("{% include 'missing' %}").render()
    with pytest.raises(ZeroDivisionError):
        environment.from_string("{{ 1 / 0 }}").render()
