"""Providers: how integrations are imported."""

import sys
import types

import pytest

from clarion.commit import providers as providers_module
from clarion.commit.providers import providers

pytestmark = pytest.mark.usefixtures("_plain_python")


class TestFrameworks:
    """Integrations are imported when their framework is loaded."""

    def test_integration_is_imported_once(self, monkeypatch):
        """An integration is imported once, when its framework is loaded."""
        opened: list[str] = []
        monkeypatch.setattr(providers_module, "FRAMEWORKS", {"some_framework": "its_provider"})
        monkeypatch.setattr(providers_module, "_imported", set())
        monkeypatch.setattr(providers_module, "import_module", opened.append)
        assert providers() == []
        assert opened == []
        monkeypatch.setitem(sys.modules, "some_framework", types.ModuleType("some_framework"))
        providers()
        providers()
        assert opened == ["its_provider"]

    def test_error_at_the_import_is_raised(self, monkeypatch, signal, calls):
        """Each send raises an integration's import error: its transactions would be ignored."""
        monkeypatch.setattr(providers_module, "FRAMEWORKS", {"sys": "there_is_no_such_provider"})
        monkeypatch.setattr(providers_module, "_imported", set())
        monkeypatch.setattr(providers_module, "_module_count", 0)
        for _ in range(2):
            with pytest.raises(ModuleNotFoundError, match="there_is_no_such_provider"):
                signal.send(None, n=1)
        assert calls == []
