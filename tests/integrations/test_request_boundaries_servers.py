"""Sessions that a request binds, behind real servers: each request finds its own only."""

import asyncio
import socket
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import httpx
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool
from websockets.sync.client import connect

from clarion import Signal, on_commit
from clarion.commit import active_boundaries
from clarion.integrations.asgi import SignalMiddleware
from clarion.integrations.sqlalchemy import bound
from tests.integrations.servers import get, serving_asgi, wait_until

# FastAPI reads the defaults of parameters.
# ruff: noqa: B008

placed = Signal(name="shop.placed")

HTTP = [
    "h11",
    pytest.param(
        "httptools",
        marks=pytest.mark.skipif(not find_spec("httptools"), reason="httptools is not installed"),
    ),
]


class Shop:
    """An application, and what its receivers and sends have seen of each order."""

    def __init__(self, path):
        self.engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (id INTEGER)"))
        self.mails = []
        self.seen = defaultdict(list)
        self.left = 0
        self.app = FastAPI()
        add_endpoints(self)
        add_streams(self)

    def mail(self, order, **kwargs):
        """Receive what was committed."""
        self.mails.append(order)

    def send(self, order):
        """Send, and note which transactions the send could wait for, and whether it waits."""
        [(_, scheduled)] = placed.send(None, order=order)
        self.seen[order].append((len(list(active_boundaries())), scheduled.is_at_once))

    def get_db(self):
        """Bind a session in the thread of a sync dependency."""
        with Session(self.engine) as session, bound(session):
            session.execute(text("SELECT 1"))
            yield session
        self.left += 1

    async def aget_db(self):
        """Bind a session in an async dependency, which takes its time to end."""
        with Session(self.engine) as session, bound(session):
            session.execute(text("SELECT 1"))
            yield session
            await asyncio.sleep(0.3)
        self.left += 1


def add_endpoints(shop):
    """Add endpoints that send, and then commit or roll back."""

    def get_cart(session: Session = Depends(shop.get_db)):
        return session

    async def get_user(order: int, session: Session = Depends(get_cart)):
        shop.send(order)
        return session

    @shop.app.get("/sync/{order}")
    def place_sync(order: int, end: str, session: Session = Depends(shop.get_db)):
        shop.send(order)
        getattr(session, end)()

    @shop.app.get("/async/{order}")
    async def place_async(order: int, end: str, session: Session = Depends(shop.get_db)):
        shop.send(order)
        await asyncio.sleep(0.01)  # the other requests run meanwhile
        getattr(session, end)()

    @shop.app.get("/nested/{order}")
    def place_nested(
        order: int,
        end: str,
        session: Session = Depends(get_user),
        same: Session = Depends(shop.get_db),
    ):
        assert session is same
        getattr(session, end)()

    @shop.app.get("/slow/{order}")
    async def place_slowly(order: int, session: Session = Depends(shop.aget_db)):
        shop.send(order)

    @shop.app.get("/plain/{order}")
    async def place_plain(order: int):
        shop.send(order)


def add_streams(shop):
    """Add endpoints that send after the response has begun."""

    @shop.app.get("/stream/{order}")
    def stream(order: int, end: str, session: Session = Depends(shop.get_db)):
        def parts():
            shop.send(order)
            yield "sent, "
            getattr(session, end)()
            yield "ended"

        return StreamingResponse(parts())

    @shop.app.get("/background/{order}")
    def place_later(
        order: int, end: str, tasks: BackgroundTasks, session: Session = Depends(shop.get_db)
    ):
        def task():
            with Session(shop.engine) as own, bound(own):
                own.execute(text("SELECT 1"))
                shop.send(order)
                getattr(own, end)()

        session.rollback()
        tasks.add_task(task)

    @shop.app.websocket("/socket")
    async def talk(websocket: WebSocket, session: Session = Depends(shop.get_db)):
        await websocket.accept()
        async for order in websocket.iter_text():
            shop.send(int(order))
            getattr(session, "commit" if int(order) % 2 else "rollback")()
            session.execute(text("SELECT 1"))  # begins the next transaction
            await websocket.send_text("done")


@pytest.fixture
def shop(tmp_path):
    """Return the shop, whose receiver waits for commits."""
    shop = Shop(tmp_path / "shop")
    placed.connect(shop.mail, delivery=on_commit)
    yield shop
    placed.disconnect(shop.mail)


def end_of(order):
    return "commit" if order % 2 else "rollback"


@pytest.mark.parametrize("http", HTTP)
@pytest.mark.parametrize("kind", ["sync", "async", "nested", "stream", "background"])
def test_each_send_waits_for_the_session_of_its_request(shop, kind, http):
    """Of twelve concurrent requests, those that commit reach the receiver, and each saw one session."""
    with (
        serving_asgi(SignalMiddleware(shop.app), http=http) as place,
        ThreadPoolExecutor(12) as pool,
    ):
        for response in pool.map(lambda n: get(place, f"/{kind}/{n}?end={end_of(n)}"), range(12)):
            assert response.status_code == 200
    assert sorted(shop.mails) == list(range(1, 12, 2))
    # A background task runs before the dependency ends, and adds a session of its own.
    seen = {"background": {1, 2}}.get(kind, {1})
    assert {count for each in shop.seen.values() for count, _ in each} <= seen
    assert not any(at_once for each in shop.seen.values() for _, at_once in each)
    assert shop.left == 12


def test_a_websocket_finds_its_session(shop):
    """Each message of a websocket waits for the transaction that is open then."""
    with serving_asgi(SignalMiddleware(shop.app)) as place:
        with connect(f"ws://{place}/socket", proxy=None) as websocket:
            for order in range(4):
                websocket.send(str(order))
                assert websocket.recv() == "done"
        wait_until(lambda: shop.left)
    assert shop.mails == [1, 3]


@pytest.mark.parametrize("http", HTTP)
def test_a_pipelined_request_does_not_see_the_one_before(shop, http):
    """A request that begins in the context of another one does not see its bound session."""
    request = "GET {} HTTP/1.1\r\nHost: shop\r\n\r\n"
    with serving_asgi(SignalMiddleware(shop.app), http=http) as place:
        host, _, port = place.partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall((request.format("/slow/1") + request.format("/plain/2")).encode())
            wait_until(lambda: 2 in shop.seen)
            assert shop.left == 0
    assert shop.seen == {1: [(1, False)], 2: [(0, True)]}
    assert shop.mails == [2]


def test_an_application_that_is_mounted_finds_the_session_of_its_request(shop):
    """The middleware of a mounted application uses the place of the outer one."""
    outer = FastAPI()

    @outer.middleware("http")
    async def bind(request, call_next):
        dependency = shop.get_db()
        session = await asyncio.to_thread(next, dependency)
        response = await call_next(request)
        session.rollback()
        await asyncio.to_thread(next, dependency, None)
        return response

    outer.mount("/inner", SignalMiddleware(shop.app))
    with serving_asgi(SignalMiddleware(outer)) as place:
        assert get(place, "/inner/plain/1").status_code == 200
    assert shop.seen == {1: [(1, False)]}
    assert shop.mails == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_without_the_middleware_bound_warns(shop, kind):
    """Without the middleware `bound` in a sync dependency warns when it ends."""

    async def main():
        transport = httpx.ASGITransport(shop.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.get(f"/{kind}/1?end=rollback")

    with pytest.warns(RuntimeWarning, match="left in another context .* SignalMiddleware"):
        asyncio.run(main())
    assert shop.seen == {1: [(0, True)]}
