"""Sessions that FastAPI binds in a sync dependency, which runs in a thread's copy of the context."""

import asyncio

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from clarion import Signal, on_commit
from clarion.commit import active_boundaries
from clarion.integrations.asgi import SignalMiddleware
from clarion.integrations.sqlalchemy import bound

placed = Signal(name="shop.placed")


@pytest.fixture
def mails(request):
    """Return the orders that were mailed."""
    found = []

    def mail(order, **kwargs):
        found.append(order)

    placed.connect(mail, delivery=on_commit)
    yield found
    placed.disconnect(mail)


def shop(path):
    """Return an application with a sync dependency, and endpoints of both kinds."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    app = FastAPI()

    def get_db():
        with Session(engine) as session, bound(session):
            yield session

    def place(session, order, mails_before):
        session.execute(text("SELECT 1"))
        placed.send(None, order=order)
        return mails_before

    @app.post("/sync/{order}")
    def place_sync(order: int, end: str, session: Session = Depends(get_db)):  # noqa: FAST002, B008
        place(session, order, None)
        getattr(session, end)()

    @app.post("/async/{order}")
    async def place_async(order: int, end: str, session: Session = Depends(get_db)):  # noqa: FAST002, B008
        place(session, order, None)
        await asyncio.sleep(0.01)  # the other requests run meanwhile
        getattr(session, end)()

    return app


def post(app, *paths):
    """Make requests at the same time."""

    async def main():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await asyncio.gather(*(client.post(path) for path in paths))

    for response in asyncio.run(main()):
        assert response.status_code == 200


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_sends_wait_for_the_session_of_their_request(kind, tmp_path, mails):
    """Only the sends of a committed request reach their receivers, and requests are not mixed."""
    paths = [f"/{kind}/{order}?end={'commit' if order % 2 else 'rollback'}" for order in range(20)]
    post(SignalMiddleware(shop(tmp_path / "shop")), *paths)
    assert sorted(mails) == list(range(1, 20, 2))
    assert list(active_boundaries()) == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_sends_prefer_the_session_of_their_request(kind, tmp_path, mails):
    """A session that is bound around the request, as by a test, is outside of the request's own."""
    app = SignalMiddleware(shop(tmp_path / "shop"))
    with Session(create_engine("sqlite://")) as outer, bound(outer):
        post(app, f"/{kind}/1?end=rollback", f"/{kind}/2?end=commit")
        assert mails == [2]
        (around,) = active_boundaries()
        assert around.boundary.is_open() is False


def test_without_the_middleware_bound_warns(tmp_path, mails):
    """Without the middleware `bound` warns, because the sends could not find the session."""
    with pytest.warns(RuntimeWarning, match="left in another context .* SignalMiddleware"):
        post(shop(tmp_path / "shop"), "/async/1?end=rollback")
    assert mails == [1]
