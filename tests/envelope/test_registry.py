"""Registries report their entries."""

from clarion.envelope.registry import Registry, observers


def test_each_new_entry_is_reported():
    """An entry that is there already is not."""
    seen = []
    registry: Registry[str, int] = Registry()
    observe = lambda found, key: seen.append((found is registry, key))  # noqa: E731
    observers.append(observe)
    try:
        registry["a"] = 1
        assert registry.add("a", 2) == 1
        assert registry.add("b", 3) == 3
    finally:
        observers.remove(observe)
    registry["c"] = 4
    assert seen == [(True, "a"), (True, "b")]
    assert registry == {"a": 1, "b": 3, "c": 4}
