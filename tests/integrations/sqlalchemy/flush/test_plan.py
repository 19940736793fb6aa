"""The plan of a flush."""

import warnings

from sqlalchemy.orm import Session

from clarion.integrations.sqlalchemy import post_delete, post_save, pre_delete, pre_save
from clarion.integrations.sqlalchemy.flush.plan import ClassPlans, Planner
from tests.integrations.sqlalchemy.shop import Book, Customer, Line, Order, Tag


def nothing(**kwargs):
    pass


def test_only_classes_with_receivers_are_planned(session):
    """Without receivers the plan is empty."""
    session.add_all([Tag(name="t"), Order(number="1")])
    assert not Planner(session, None).plan()
    post_save.connect(nothing, sender=Tag)
    plan = Planner(session, None).plan()
    assert [save.sender for save in plan.saves] == [Tag]
    assert plan.deletes == []


def test_keys_that_cannot_be_compared(session):
    """Objects whose keys cannot be compared are sorted by the text of their keys."""
    tags = [Tag(id=number, name="n") for number in (1, 2, 3)]
    session.add_all(tags)
    session.commit()
    from sqlalchemy import inspect

    for tag, key in zip(tags, (3, "x", 1), strict=True):
        tag.name = "m"
        inspect(tag).key = (Tag, (key,), None)
    pre_save.connect(nothing, sender=Tag)
    assert [save.instance for save in Planner(session, None).plan().saves] == [
        tags[1],
        tags[2],
        tags[0],
    ]
    session.expunge_all()


def test_a_plan_restricted_to_objects(engine):
    """A plan of some objects has no saves or deletes of others."""
    post_save.connect(nothing)
    post_delete.connect(nothing)
    with Session(engine) as session:
        one, two, book = Tag(name="1"), Tag(name="2"), Book(title="b")
        session.add_all([one, two, book])
        session.commit()
        one.name = two.name = "changed"
        with session.no_autoflush:
            session.delete(book)
        plan = Planner(session, [two]).plan()
        assert [save.instance for save in plan.saves] == [two]
        assert plan.deletes == []


def flush(session, *objects):
    """Flush some objects, which SQLAlchemy 2.1 deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session.flush(objects)


def test_orphans_of_a_flush_of_some_objects(session, recorded):
    """A flush of some objects deletes the orphans of a flushed parent, too."""
    customer = Customer(name="c", orders=[Order(number="1", lines=[Line(text="l")])])
    session.add(customer)
    session.commit()
    recorded.listen(pre_delete, post_delete)
    with session.no_autoflush:
        customer.orders.clear()
        flush(session, customer)
        names = [("pre_delete", "Line"), ("pre_delete", "Order")]
        assert recorded.names == names + [(f"post{name[3:]}", kind) for name, kind in names]


def test_cascades_of_a_flush_of_some_objects(session, recorded):
    """Objects to which a delete cascades, left out of a flush of some objects, are sent by the next."""
    customer = Customer(name="c", orders=[Order(number="1")])
    session.add(customer)
    session.commit()
    recorded.listen(pre_delete, post_delete)
    session.delete(customer)
    flush(session, customer)
    assert recorded.names == [("pre_delete", "Customer"), ("post_delete", "Customer")]
    session.flush()
    assert recorded.names == [("pre_delete", "Order"), ("post_delete", "Order")]


def test_cascades_without_receivers_are_not_followed(session):
    """Only cascades to a class with receivers are followed."""
    customer = Customer(name="c", orders=[Order(number="1", lines=[Line(text="l")])])
    session.add(customer)
    session.commit()
    session.delete(customer)
    pre_delete.connect(nothing, sender=Tag)
    planner = Planner(session, None)
    assert not planner._to_delete({}, ClassPlans())
    pre_delete.connect(nothing, sender=Line)
    assert [each.sender for each in planner.plan().deletes] == [Line]


def test_orphans_are_in_the_order_of_their_keys(session, recorded):
    """Orphans are sent in the order of their keys, because a session keeps no order."""
    recorded.listen(pre_delete, sender=Order)
    customer = Customer(name="c", orders=[Order(number=str(n)) for n in range(20)])
    session.add(customer)
    session.commit()
    customer.orders.clear()
    session.commit()
    keys = [named["instance"].id for named in recorded.take()]
    assert keys == sorted(keys)
