"""What a flush is going to write, as it is worked out before it."""

from sqlalchemy.orm import Session

from clarion.integrations.sqlalchemy import post_delete, post_save, pre_save
from clarion.integrations.sqlalchemy.plan import Planner
from tests.integrations.sqlalchemy.shop import Book, Order, Tag


def nothing(**kwargs):
    pass


def test_only_what_somebody_hears_is_planned(session):
    """Other classes are left out, and without receivers the plan is empty."""
    session.add_all([Tag(name="t"), Order(number="1")])
    assert not Planner(session, None).plan()
    post_save.connect(nothing, sender=Tag)
    plan = Planner(session, None).plan()
    assert [save.sender for save in plan.saves] == [Tag]
    assert plan.deletes == []


def test_keys_that_cannot_be_compared(session):
    """Objects whose keys have no order are told in that of their texts."""
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
    """Neither the others' saves nor their deletes are in it."""
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
