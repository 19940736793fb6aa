"""Providers: how integrations are imported, and what they find."""

import sys
import types

import pytest

from clarion.commit import providers as providers_module
from clarion.commit.providers import providers

pytestmark = pytest.mark.usefixtures("_plain_python")


class TestDoors:
    """Those of frameworks that are loaded open by themselves."""

    def test_when_the_framework_is_loaded(self, monkeypatch):
        """And not before."""
        opened: list[str] = []
        monkeypatch.setattr(providers_module, "_FRAMEWORKS", {"some_framework": "its_provider"})
        monkeypatch.setattr(providers_module, "_imported", set())
        monkeypatch.setattr(providers_module, "import_module", opened.append)
        assert providers() == []
        assert opened == []
        monkeypatch.setitem(sys.modules, "some_framework", types.ModuleType("some_framework"))
        providers()
        providers()
        assert opened == ["its_provider"]

    def test_one_that_cannot_open_is_not_left_out_in_silence(self, monkeypatch, signal, heard):
        """Its transactions would count as none: so each send says it."""
        monkeypatch.setattr(providers_module, "_FRAMEWORKS", {"sys": "there_is_no_such_provider"})
        monkeypatch.setattr(providers_module, "_imported", set())
        monkeypatch.setattr(providers_module, "_module_count", 0)
        for _ in range(2):
            with pytest.raises(ModuleNotFoundError, match="there_is_no_such_provider"):
                signal.send(None, n=1)
        assert heard == []
