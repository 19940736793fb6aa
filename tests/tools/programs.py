"""Programs that use an installed Clarion, and fail if it does not work."""

# A program for each extra, as on its page.
EXAMPLES = {
    "dramatiq": """
import dramatiq
from dramatiq.brokers.stub import StubBroker
from clarion import Signal, receiver
from clarion.integrations.dramatiq import DramatiqDelivery

broker, paid, calls = StubBroker(), Signal(name="shop.paid"), []

@receiver(paid, delivery=DramatiqDelivery(broker)(name="shop.note"))
def note(sender, number, **kwargs):
    calls.append(number)

paid.send("web", number=7)
worker = dramatiq.Worker(broker, worker_timeout=10)
worker.start()
broker.join("default")
worker.stop()
assert calls == [7]
""",
    "taskiq": """
from taskiq import InMemoryBroker
from clarion import Signal, receiver
from clarion.integrations.taskiq import TaskiqDelivery

broker, paid, calls = InMemoryBroker(await_inplace=True), Signal(name="shop.paid"), []

@receiver(paid, delivery=TaskiqDelivery(broker)(name="shop.note"))
async def note(sender, number, **kwargs):
    calls.append(number)

paid.send("web", number=7)
assert calls == [7]
""",
    "cli": """
import subprocess
import sys
from pathlib import Path

# The script of the wheel, and the module.
for command in ([str(Path(sys.executable).with_name("clarion"))], [sys.executable, "-m", "clarion"]):
    subprocess.run([*command, "outbox", "create", "sqlite:///outbox.db"], check=True)
    done = subprocess.run(
        [*command, "outbox", "status", "--json", "--database", "sqlite:///outbox.db"],
        check=True, capture_output=True, text=True,
    )
    assert '"dead": 0' in done.stdout
""",
    "msgspec": """
from dataclasses import dataclass
from clarion import signal
from clarion.envelope import Envelope, seal

@dataclass
class Line:
    name: str

@signal(name="shop.order_paid")
def order_paid(sender: str, *, lines: list[Line]) -> None:
    pass

text = seal(order_paid, {"sender": "web", "lines": [Line("tea")]}).to_json()
assert Envelope.from_json(text).arguments(order_paid)["lines"] == [Line("tea")]
""",
    "procrastinate": """
import procrastinate
from procrastinate.testing import InMemoryConnector
from clarion import Signal
from clarion.integrations.procrastinate import ProcrastinateDelivery

app, calls = procrastinate.App(connector=InMemoryConnector()), []
order_paid = Signal(name="shop.order_paid")

def note(sender, order_id, **kwargs):
    calls.append(order_id)

order_paid.connect(note, delivery=ProcrastinateDelivery(app)(name="note"))
order_paid.send("web", order_id=7)
assert calls == []
app.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)
assert calls == [7]
""",
    "psycopg": """
import psycopg
from clarion.outbox import open_database

database = open_database("postgresql://shop:secret@127.0.0.1:1/shop")
assert repr(database) == "<PsycopgDatabase PostgreSQL's database 'shop'>"
try:
    database.connect()
except psycopg.OperationalError as error:
    assert "secret" not in str(error)
else:
    raise AssertionError("a server answers at port 1")
""",
    "pymysql": """
import pymysql
from clarion.outbox import open_database

database = open_database("mysql://shop:secret@127.0.0.1:1/shop")
assert repr(database) == "<PymysqlDatabase MariaDB's database 'shop'>"
try:
    database.connect()
except pymysql.err.OperationalError as error:
    assert "secret" not in str(error)
else:
    raise AssertionError("a server answers at port 1")
""",
    "celery": """
from celery import Celery
from clarion import Signal
from clarion.errors import ArgumentError
from clarion.integrations.celery import CeleryDelivery

calls = []

def mail(sender, order_id, **kwargs):
    calls.append(order_id)

app = Celery("shop", broker="memory://", set_as_current=False)
app.conf.task_always_eager = True
celery = CeleryDelivery(app)
paid = Signal(name="paid")
paid.connect(mail, delivery=celery(name="mail", queue="mail"))
paid.send(None, order_id=7)
assert calls == [7]
try:
    paid.connect(mail, sender="other", delivery=celery(name="mail", queu="mail"))
except ArgumentError as error:
    assert "queu" in str(error)
else:
    raise AssertionError("not refused")
""",
    "huey": """
from huey import MemoryHuey
from clarion import Signal
from clarion.integrations.huey import HueyDelivery

calls = []

def mail(sender, order_id, **kwargs):
    calls.append(order_id)

paid = Signal(name="paid")
paid.connect(mail, delivery=HueyDelivery(MemoryHuey(immediate=True))(name="mail"))
paid.send(None, order_id=7)
assert calls == [7]
""",
    "rq": """
from redis import Redis
from rq import Queue
from clarion import Signal
from clarion.errors import ArgumentError
from clarion.integrations.rq import RQDelivery

def mail(sender, order_id, **kwargs): ...

paid = Signal(name="paid")
rq = RQDelivery(Queue(connection=Redis(port=1, socket_timeout=1), serializer="json"))
paid.connect(mail, delivery=rq(name="mail", job_timeout=5))
try:
    paid.connect(mail, delivery=rq(name="other", queue="mail"))
except ArgumentError as error:
    assert "job_timeout" in str(error)
else:
    raise AssertionError("not refused")
""",
    "sqlalchemy": """
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession  # the extra installs greenlet
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from clarion import on_commit, receiver
from clarion.integrations.sqlalchemy import post_save

class Base(DeclarativeBase):
    pass

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)

calls = []

@receiver(post_save, sender=Order, delivery=on_commit)
def note(sender, instance, created, **kwargs):
    calls.append((instance.id, created))

engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Order(id=7))
    session.flush()
    assert calls == []
    session.commit()
assert calls == [(7, True)]
""",
    "django": """
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["clarion.integrations.django", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()

from django.core.management import call_command
from django.db.models.signals import post_save
from django.db.transaction import atomic
from django.contrib.contenttypes.models import ContentType
from clarion import on_commit
from clarion.integrations.django import is_installed

calls = []

def note(sender, instance, **kwargs):
    calls.append(instance.model)

assert is_installed()
call_command("migrate", verbosity=0)
post_save.connect(note, sender=ContentType, delivery=on_commit)
with atomic():
    ContentType.objects.create(app_label="shop", model="order")
    assert calls == []
assert calls == ["order"]
""",
    "django-tasks": """
import django
from django.conf import settings

MODULE = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
settings.configure(
    INSTALLED_APPS=["clarion.integrations.django"],
    TASKS={"default": {"BACKEND": MODULE + ".backends.immediate.ImmediateBackend"}},
)
django.setup()

from clarion import Signal
from clarion.integrations.django.tasks import DjangoTasksDelivery

order_paid, calls = Signal(name="shop.order_paid"), []

def note(sender, order_id, **kwargs):
    calls.append(order_id)

order_paid.connect(note, delivery=DjangoTasksDelivery()(name="note"))
order_paid.send("web", order_id=7)
assert calls == [7]
""",
    "settings": """
from pydantic_settings import BaseSettings
from clarion import receiver
from clarion.integrations.settings import override_settings, setting_changed

class Settings(BaseSettings):
    currency: str = "EUR"

settings, calls = Settings(), []

@receiver(setting_changed, sender=Settings)
def note(sender, setting, value, enter, **kwargs):
    calls.append((setting, value, enter))

with override_settings(settings, currency="USD"):
    assert settings.currency == "USD"
assert calls == [("currency", "USD", True), ("currency", "EUR", False)]
""",
    "jinja": """
from jinja2 import DictLoader, Environment
from clarion import receiver
from clarion.integrations.jinja import install, template_rendered

environment, calls = Environment(loader=DictLoader({"shop.html": "{{ name }}"})), []
install(environment)

@receiver(template_rendered)
def note(sender, template, context, **kwargs):
    calls.append(template.name)

assert environment.get_template("shop.html").render(name="Tea") == "Tea"
assert calls == ["shop.html"]
""",
    "alembic": """
from pathlib import Path
from alembic import command
from alembic.config import Config
from clarion import receiver
from clarion.integrations.alembic import post_migrate

ENV = '''
from alembic import context
from sqlalchemy import create_engine
from clarion.integrations.alembic import migrating

with create_engine("sqlite://").connect() as connection:
    context.configure(connection=connection)
    with migrating(context), context.begin_transaction():
        context.run_migrations()
'''
REVISION = "revision, down_revision = '4f2a', None\\ndef upgrade(): pass"

Path("scripts/versions").mkdir(parents=True)
Path("scripts/env.py").write_text(ENV)
Path("scripts/versions/first.py").write_text(REVISION)
config, calls = Config(), []
config.set_main_option("script_location", "scripts")
config.set_main_option("path_separator", "os")

@receiver(post_migrate)
def note(sender, plan, **kwargs):
    calls.extend(script.revision for script, _ in plan)

command.upgrade(config, "head")
assert calls == ["4f2a"]
""",
}

# Connect with delivery=on_commit, and send.
ON_COMMIT = """
from clarion import Signal, on_commit

saved, calls = Signal(), []

def note(**kwargs):
    calls.append(kwargs["number"])

saved.connect(note, delivery=on_commit)
saved.send(None, number=1)
assert calls == [1]
"""
