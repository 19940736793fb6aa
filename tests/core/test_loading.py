"""Settings that a framework reports after it has loaded the program."""

from clarion._core import loading


def test_a_framework_reports_what_it_loads(monkeypatch):
    """Only while it loads the program; it is registered once."""
    monkeypatch.setattr(loading, "_loaders", [])
    assert not loading.is_reported_later()
    answers = [True, False]

    def is_loading():
        return answers.pop(0)

    loading.report_after_loading(is_loading)
    loading.report_after_loading(is_loading)
    assert [loading.is_reported_later(), loading.is_reported_later()] == [True, False]
    assert not answers
