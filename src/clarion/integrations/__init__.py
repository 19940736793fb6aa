"""Integrations: one module or package for each framework.

- `asgi` and `wsgi`: the request signals of a web application
- `settings`: overrides of pydantic settings
- `jinja`: rendered templates
- `alembic`: migrations
- `sqlalchemy`: the model signals of SQLAlchemy, and receivers after its commits
- `django`: Django's own signals, receivers after its commits, and receivers as tasks of django.tasks
- `psycopg` and `pymysql`: an outbox in PostgreSQL, MariaDB or MySQL, without a framework
- `celery`: receivers as tasks of Celery
- `rq` and `huey`: receivers that a worker of the task engine calls
- `dramatiq`: receivers as messages of Dramatiq
- `taskiq`: receivers as tasks of Taskiq
- `procrastinate`: receivers as jobs of procrastinate
- `pyinstaller`: bundles for programs the integrations that are imported by name
- `mypy`: a plugin for projects with django-stubs

An integration uses the names of its framework. It is the only code that imports the framework,
and it imports no other integration. Nothing below this package imports an integration, with two
exceptions. `clarion.commit` loads one by name when its framework is loaded. `clarion.outbox` loads a
driver by the scheme of a URL.
"""
