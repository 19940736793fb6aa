"""What a durable send costs the sender: one statement on a server."""

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session

from clarion import Signal, durable
from clarion.integrations.sqlalchemy import post_save
from tests.integrations.sqlalchemy.commit.outboxes import keys, with_tables
from tests.integrations.sqlalchemy.shop import Order

# The event, and its deliveries: one statement where the database can do both in one. The dialect
# of MySQL is used with MariaDB here.
SENDS = {"postgresql": 1, "sqlite": 2, "mysql": 1, "mariadb": 1}


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgres", marks=pytest.mark.service),
        pytest.param("mariadb", marks=pytest.mark.service),
    ]
)
def engine(request, tmp_path):
    """Return an engine of each kind, with the tables."""
    if request.param == "sqlite":
        made = create_engine(f"sqlite:///{tmp_path / 'a.db'}")
    else:
        made = create_engine(request.getfixturevalue(request.param))
    yield with_tables(made)
    made.dispose()


@pytest.fixture
def statements(engine):
    """Return the first words of the statements that are executed."""
    found = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(connection, cursor, statement, *arguments):
        found.append(statement.split()[0])

    return found


def connect(signal, count, **options):
    """Connect durable receivers."""
    for number in range(count):
        signal.connect(
            lambda sender, **kwargs: None,
            weak=False,
            delivery=durable(name=f"receiver {number}"),
            **options,
        )


@pytest.mark.parametrize("count", [1, 3, 10])
def test_a_send_is_one_write_for_any_number_of_receivers(engine, statements, count):
    """A send in a session is one more statement, whatever the number of receivers."""
    signal = Signal(name="shop.order_paid")
    connect(signal, count)
    with Session(engine) as session:
        session.add(Order(number="1"))
        session.flush()
        before = len(statements)
        signal.send(None, order_id=1, session=session)
        assert len(statements) - before == SENDS[engine.dialect.name]
        session.commit()
        assert len(statements) - before == SENDS[engine.dialect.name]
    assert len(keys(engine)) == count


def test_post_save_is_one_write_for_each_row(engine, statements):
    """post_save costs one statement for each row, and storing the instance costs no query."""
    connect(post_save, 3, sender=Order)
    with Session(engine) as session:
        session.add_all([Order(number="1"), Order(number="2")])
        session.flush()
        writes = len(statements)
        session.commit()
    assert len(statements) == writes
    sends = SENDS[engine.dialect.name] * 2
    assert writes - sends in {1, 2}  # the rows, by one INSERT or by two
    assert len(keys(engine)) == 6
