"""pre_migrate and post_migrate, around an upgrade or a downgrade of Alembic."""

import io
import sys
from typing import Any

import pytest
from alembic import command
from alembic.config import CommandLine, Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from clarion.integrations.alembic import post_migrate, pre_migrate

ENV = """
from alembic import context
from clarion.integrations.alembic import migrating
from sqlalchemy import MetaData, create_engine, pool

if context.is_offline_mode():
    context.configure(url="sqlite://", target_metadata=MetaData(), literal_binds=True)
    with migrating(context), context.begin_transaction():
        context.run_migrations()
else:
    given = context.config.attributes.get("connection")
    engine = create_engine(context.config.get_main_option("url"), poolclass=pool.NullPool)
    with engine.connect() as mine:
        connection = given or mine
        context.configure(
            connection=connection, target_metadata=MetaData(), transactional_ddl={transactional}
        )
        {block}
            context.run_migrations()
"""
AROUND = "with migrating(context), context.begin_transaction():"
WITHIN = "with context.begin_transaction(), migrating(context, using='within'):"

VERSION = """
from alembic import op
import sqlalchemy as sa

revision, down_revision, branch_labels, depends_on = "{new}", {old!r}, None, None


def upgrade():
    op.create_table("{new}", sa.Column("id", sa.Integer, primary_key=True))
    if "{new}" == "broken":
        raise ValueError("no such column")


def downgrade():
    op.drop_table("{new}")
"""


def write(folder, block=AROUND, versions=("one", "two")):
    """Write an environment with some migrations, and return its configuration."""
    (folder / "versions").mkdir(exist_ok=True)
    (folder / "script.py.mako").write_text("")
    (folder / "env.py").write_text(ENV.format(block=block, transactional=block is WITHIN))
    for old, new in zip((None, *versions), versions, strict=False):
        (folder / "versions" / f"{new}.py").write_text(VERSION.format(new=new, old=old))
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.set_main_option("url", f"sqlite:///{folder / 'database'}")
    return config


@pytest.fixture
def config(tmp_path):
    """Return the configuration of an environment with two migrations and an empty database."""
    return write(tmp_path)


@pytest.fixture
def sent():
    """Return a list of the sends: before or after, and the plan."""
    found: list[Any] = []
    for name, signal in (("pre", pre_migrate), ("post", post_migrate)):

        def note(sender, plan, name=name, **kwargs):
            found.append((name, [(script.revision, backwards) for script, backwards in plan]))

        signal.connect(note)
    return found


def tables(config):
    """Return the names of the tables, without Alembic's own."""
    engine = create_engine(config.get_main_option("url"))
    try:
        return {*inspect(engine).get_table_names()} - {"alembic_version"}
    finally:
        engine.dispose()


def test_an_upgrade_sends_its_plan(config, sent):
    """An upgrade applies its plan between the two signals that send it."""
    seen: list[Any] = []
    for signal in (pre_migrate, post_migrate):
        signal.connect(lambda sender, **kwargs: seen.append(tables(config)))
    command.upgrade(config, "head")
    plan = [("one", False), ("two", False)]
    assert sent == [("pre", plan), ("post", plan)]
    assert seen == [set(), {"one", "two"}]


def test_a_downgrade_sends_its_plan(config, sent):
    """The plan of a downgrade goes backwards, the last migration first."""
    command.upgrade(config, "head")
    sent.clear()
    command.downgrade(config, "base")
    plan = [("two", True), ("one", True)]
    assert sent == [("pre", plan), ("post", plan)]
    assert tables(config) == set()


def test_the_plan_has_only_the_applied_migrations(config, sent):
    """The plan is empty if the database is up to date, as in Django."""
    command.upgrade(config, "one")
    command.upgrade(config, "+1")
    command.upgrade(config, "head")
    assert [plan for name, plan in sent if name == "pre"] == [
        *([("one", False)], [("two", False)], []),
    ]
    assert len(sent) == 6


def test_keywords_are_djangos(config):
    """All of Django's keywords are sent, with the objects of Alembic."""
    sent: list[Any] = []

    def note(sender, app_config, verbosity, interactive, using, apps, stdout, **kwargs):
        assert [*kwargs] == ["plan"]
        assert sender is app_config is config
        assert isinstance(apps, MigrationContext)
        assert stdout is config.stdout
        sent.append((verbosity, interactive, using, apps.get_current_heads()))

    pre_migrate.connect(note)
    post_migrate.connect(note)
    command.upgrade(config, "head")
    assert sent == [(1, False, "default", ()), (1, False, "default", ("two",))]


def test_the_command_line_can_be_quiet(config, tmp_path):
    """`alembic --quiet` asks receivers to be quiet too."""
    sent: list[Any] = []
    pre_migrate.connect(lambda sender, verbosity, **kwargs: sent.append(verbosity))
    ini = tmp_path / "alembic.ini"
    ini.write_text(
        f"[alembic]\nscript_location = {tmp_path}\npath_separator = os\n"
        f"url = sqlite:///{tmp_path / 'database'}\n"
    )
    CommandLine().main(["--quiet", "-c", str(ini), "upgrade", "one"])
    CommandLine().main(["-c", str(ini), "upgrade", "two"])
    assert sent == [0, 1]


@pytest.mark.parametrize("at", ["base", "head"])
def test_other_commands_send_nothing(config, sent, at):
    """Commands that run env.py but migrate nothing send nothing."""
    if at == "head":
        command.upgrade(config, "head")
        sent.clear()
    command.current(config)
    command.stamp(config, "head")
    command.check(config) if at == "base" else None
    command.ensure_version(config)
    command.history(config, indicate_current=True)
    assert sent == []


def test_sql_sends_nothing(config, sent):
    """`--sql` sends nothing, because no database is migrated."""
    config.output_buffer = io.StringIO()
    command.upgrade(config, "head", sql=True)
    assert "CREATE TABLE one" in config.output_buffer.getvalue()
    assert sent == []


def test_a_migration_that_fails_sends_no_post_migrate(tmp_path, sent):
    """After a failed migration no post_migrate is sent, as in Django."""
    config = write(tmp_path, versions=("one", "broken"))
    with pytest.raises(ValueError, match="no such column"):
        command.upgrade(config, "head")
    assert [name for name, _ in sent] == ["pre"]


@pytest.mark.parametrize("signal", [pre_migrate, post_migrate], ids=["pre", "post"])
def test_writes_of_receivers_are_committed(config, signal):
    """Writes of pre_migrate are committed with the migrations, those of post_migrate after all receivers."""

    def write(sender, apps, **kwargs):
        apps.connection.execute(text("CREATE TABLE written (id INTEGER)"))
        apps.connection.execute(text("INSERT INTO written VALUES (42)"))

    signal.connect(write)
    command.upgrade(config, "head")
    assert tables(config) == {"one", "two", "written"}
    engine = create_engine(config.get_main_option("url"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT id FROM written")) == 42
    engine.dispose()


def test_writes_of_a_receiver_that_fails_are_rolled_back(config):
    """The writes of a failing post_migrate are rolled back; the migrations stay committed."""

    def write(sender, apps, **kwargs):
        apps.connection.execute(text("INSERT INTO one VALUES (42)"))
        raise ValueError("no such country")

    post_migrate.connect(write)
    with pytest.raises(ValueError, match="no such country"):
        command.upgrade(config, "head")
    engine = create_engine(config.get_main_option("url"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM one")) == 0
    engine.dispose()


def test_a_receiver_that_fails_leaves_no_transaction_open(config):
    """After a failing receiver, a connection that the program passed is in no transaction."""

    def write(sender, apps, **kwargs):
        apps.connection.execute(text("INSERT INTO one VALUES (42)"))
        raise ValueError("no such country")

    post_migrate.connect(write)
    engine = create_engine(config.get_main_option("url"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        with pytest.raises(ValueError, match="no such country"):
            command.upgrade(config, "head")
        assert not connection.in_transaction()
    engine.dispose()


def test_an_environment_may_begin_a_transaction_itself(tmp_path, sent):
    """The environment can begin a transaction, because reading the plan leaves none open."""
    config = write(tmp_path, "with migrating(context), connection.begin():")
    command.upgrade(config, "head")
    assert [name for name, _ in sent] == ["pre", "post"]
    assert tables(config) == {"one", "two"}


def test_an_error_in_pre_migrate_prevents_the_migrations(config):
    """After an error in pre_migrate no migration is applied."""
    pre_migrate.connect(lambda sender, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        command.upgrade(config, "head")
    assert tables(config) == set()


def test_an_open_transaction_stays_open(config, sent):
    """An open transaction is neither committed nor rolled back, and receivers write in it."""
    post_migrate.connect(
        lambda sender, apps, **kwargs: apps.connection.execute(text("INSERT INTO one VALUES (1)"))
    )
    engine = create_engine(config.get_main_option("url"))
    with engine.connect() as connection:
        transaction = connection.begin()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        assert transaction.is_active
        assert connection.scalar(text("SELECT count(*) FROM one")) == 1
        transaction.rollback()
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 0
    engine.dispose()
    assert [name for name, _ in sent] == ["pre", "post"]


def test_within_the_transaction_receivers_are_part_of_it(tmp_path, sent):
    """If the transaction is the outer block, post_migrate comes before the commit."""
    config = write(tmp_path, WITHIN)
    names: list[Any] = []

    def fail(sender, using, apps, **kwargs):
        names.append((using, apps.connection.in_transaction()))
        raise ValueError("back again")

    post_migrate.connect(fail)
    with pytest.raises(ValueError, match="back again"):
        command.upgrade(config, "head")
    assert names == [("within", True)]
    engine = create_engine(config.get_main_option("url"))
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_heads() == ()
    engine.dispose()


def test_async_receivers_are_run_to_completion(config):
    """Alembic's sync commands wait for async receivers."""
    sent: list[Any] = []

    async def note(sender, plan, **kwargs):
        sent.append(len(plan))

    pre_migrate.connect(note)
    command.upgrade(config, "head")
    assert sent == [2]


def test_without_receivers_no_plan_is_made(config, monkeypatch):
    """Without receivers no plan is made, and the migrations are applied as without the block."""
    module = sys.modules["clarion.integrations.alembic"]
    monkeypatch.setattr(module, "_plan", None)
    command.upgrade(config, "head")
    command.downgrade(config, "one")
    assert tables(config) == {"one"}
