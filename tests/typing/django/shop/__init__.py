"""An app of a project that uses django-stubs."""
