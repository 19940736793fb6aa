"""The shop, over HTTP; `make load` sends it ten thousand requests."""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.house.tree import ROOT
from tests.services import POSTGRES

for package in ("airportsdata", "aiosqlite", "fastapi", "rich", "sqlalchemy", "uvicorn"):
    pytest.importorskip(package)
httpx = pytest.importorskip("httpx")

PROJECT = ROOT / "examples" / "shop_fastapi"
DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.service)]

# Some receivers, and the book that is wrong if one of them is not called.
KEEPERS = {
    "receivers.take_seats": "stock of each flight",
    "receivers.give_seats_back": "stock of each flight",
    "receivers.count_extras": "tally of each extra",
    "receivers.count_off_extras": "tally of each extra",
    "receivers.index": "search index",
    "receivers.unindex": "search index",
    "receivers.note_save": "audit trail",
    "receivers.note_delete": "audit trail",
    "traffic.count_finished": "requests",
}

SET_UP = f"""
import sys
sys.path.insert(0, {str(PROJECT)!r})
"""

MUTE_ONE_BY_ONE = f"""
from operator import attrgetter
import demo, shop.receivers, shop.traffic
from clarion.testing import muted

for name in {[*KEEPERS]!r}:
    with muted(attrgetter(name)(shop)):
        print("without", name, file=sys.stderr)
        assert demo.main(["--requests=20", "--at-once=5"]) == 1
"""

FAIL_ONCE = """
import asyncio, httpx
from shop.app import create
from shop.traffic import seen

app = create()

@app.get("/broken")
async def broken():
    raise LookupError

async def ask():
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(base_url="http://shop", transport=transport) as http:
        print((await http.get("/broken")).status_code, (await http.get("/traffic")).json(), seen)

asyncio.run(ask())
"""


@pytest.fixture(scope="module")
def new_database():
    """Return a function that returns the environment of a new database."""
    made = []

    def new(kind):
        if kind == "sqlite":
            return {}  # the default: a temporary file
        psycopg = pytest.importorskip("psycopg")
        name = f"shop_{uuid4().hex}"
        with psycopg.connect(POSTGRES.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        made.append(name)
        return {"SHOP_DATABASE_URL": POSTGRES.url().rpartition("/")[0] + f"/{name}"}

    yield new
    for name in made:
        import psycopg

        with psycopg.connect(POSTGRES.url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return a function that returns an environment with its own temporary folder."""

    def environment(**more):
        return {
            **{name: text for name, text in os.environ.items() if not name.startswith("SHOP_")},
            "TMPDIR": str(tmp_path_factory.mktemp("shop")),
            **more,
        }

    return environment


@pytest.fixture(scope="module")
def run(environment):
    """Run a Python program; return its exit status and its output."""

    def run(*arguments, **more):
        command = [sys.executable, "-W", "error", *map(str, arguments)]
        return subprocess.run(
            command, env=environment(**more), capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="module", params=DATABASES)
def shop(request, new_database, environment, tmp_path_factory):
    """Serve the shop with three connections; return a client."""
    log = tmp_path_factory.mktemp("log") / "uvicorn.log"
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(PROJECT), "--no-access-log"]
    command += ["--factory", "shop.app:create", "--port=0", "--timeout-keep-alive=600"]
    env = environment(**new_database(request.param), SHOP_POOL_SIZE="3")
    with log.open("w") as errors, subprocess.Popen(command, env=env, stderr=errors) as server:
        try:
            with httpx.Client(base_url=address(server, log), timeout=None, trust_env=False) as http:
                yield http
        finally:
            server.terminate()


def address(server, log):
    """Return the address that the server prints."""
    while server.poll() is None:
        if found := re.search(r"running on (http://[\d.:]+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def flight(shop):
    """Sell a flight with 20 seats; return its number."""
    number = f"T{uuid4().hex[:7]}"
    route = {"origin": f"Zürich {number}", "destination": "Kraków"}
    made = shop.post("/flights", json={"number": number, "seats": 20, "fare": 5_000, **route})
    assert made.status_code == 201
    return number


def order(shop, flight, seats=1, extras=(), request="r"):
    body = {"customer": "Ann", "flight": flight, "seats": seats, "extras": [*extras]}
    return shop.post("/orders", json=body, headers={"X-Request-ID": request})


def left(shop, flight):
    return shop.get(f"/flights/{flight}").json()["left"]


def trail(shop, subject):
    entries = shop.get("/audit", params={"subject": subject}).json()
    return [(entry["request"], entry["action"]) for entry in entries]


def found(shop, *words):
    return [each["number"] for each in shop.get("/flights", params={"q": " ".join(words)}).json()]


def test_order_is_in_every_book(shop, flight):
    """The price, the stock, the tallies of extras and the audit trail follow an order."""
    before = shop.get("/extras").json()
    made = order(shop, flight, seats=3, extras=["bag", "leg"], request="r1")
    assert made.status_code == 201
    assert made.json()["total"] == 15_000
    assert left(shop, flight) == 17
    counted = {code: orders - before[code] for code, orders in shop.get("/extras").json().items()}
    assert counted == {"bag": 1, "leg": 1, "meal": 0}
    assert trail(shop, f"Order {made.json()['id']}") == [("r1", "created")]


def test_a_changed_order_changes_the_books(shop, flight):
    """The books have the values of a changed order; an update without a change is not recorded."""
    key = order(shop, flight, seats=3, request="r1").json()["id"]
    for name, seats in {"r2": 5, "r3": 5, "r4": 2}.items():
        headers = {"X-Request-ID": name}
        made = shop.patch(f"/orders/{key}", json={"seats": seats}, headers=headers)
        assert made.json()["total"] == 5_000 * seats
        assert left(shop, flight) == 20 - seats
    noted = [("r1", "created"), ("r2", "changed"), ("r4", "changed")]
    assert trail(shop, f"Order {key}") == noted


def test_a_cancelled_order_leaves_the_books(shop, flight):
    """The books have nothing of a cancelled order but its trail."""
    before = shop.get("/extras").json()
    key = order(shop, flight, seats=3, extras=["meal"], request="r1").json()["id"]
    headers = {"X-Request-ID": "r2"}
    assert shop.delete(f"/orders/{key}", headers=headers).status_code == 204
    assert shop.get(f"/orders/{key}").status_code == 404
    assert left(shop, flight) == 20
    assert shop.get("/extras").json() == before
    assert trail(shop, f"Order {key}") == [("r1", "created"), ("r2", "deleted")]


def test_refused_order_leaves_no_trace(shop, flight):
    """If a receiver refuses, all writes are rolled back, and the response has the reason."""
    before = shop.get("/extras").json()
    refused = order(shop, flight, seats=21, extras=["bag"])
    assert (refused.status_code, refused.json()) == (
        409,
        {"detail": f"{flight} has no 21 seats left."},
    )
    assert left(shop, flight) == 20
    assert shop.get("/extras").json() == before


def test_search_follows_a_new_name(shop, flight):
    """A search finds a flight by the current names of its airports."""
    assert found(shop, "zurich", flight, "krakow") == [flight]
    route = {"origin": "Genève", "destination": "Kraków"}
    shop.put(f"/flights/{flight}/route", json=route)
    assert found(shop, "zurich", flight) == []
    assert found(shop, "geneve", flight) == [flight]


def test_a_cancelled_flight_cancels_its_orders(shop, flight):
    """The trail has the reason of the orders' deletion; the search does not find the flight."""
    keys = [order(shop, flight, request="r1").json()["id"] for _ in range(3)]
    shop.delete(f"/flights/{flight}", headers={"X-Request-ID": "r2"})
    for key in keys:
        noted = [("r1", "created"), ("r2", f"deleted with Flight {flight}")]
        assert trail(shop, f"Order {key}") == noted
    assert trail(shop, f"Flight {flight}")[1:] == [("r2", "deleted")]
    assert found(shop, flight) == []


def test_a_nameless_request_gets_a_name(shop, flight):
    """A receiver of request_started names the request, and the trail has the name."""
    ((name, action),) = trail(shop, f"Flight {flight}")
    assert re.fullmatch("[0-9a-f]{32}", name)
    assert action == "created"


def test_last_seats_are_sold_once(shop, flight):
    """Of 50 customers who want one of 20 seats at the same time, 20 get one."""
    with ThreadPoolExecutor(25) as crowd:
        answers = [*crowd.map(lambda _: order(shop, flight).status_code, range(50))]
    assert sorted(answers) == [201] * 20 + [409] * 30
    assert left(shop, flight) == 0


def test_changes_at_the_same_time_lose_nothing(shop, flight):
    """Many concurrent changes of one order leave the right stock."""
    key = order(shop, flight).json()["id"]

    def change(number):
        return shop.patch(f"/orders/{key}", json={"seats": 1 + number % 9}).status_code

    with ThreadPoolExecutor(20) as crowd:
        assert {*crowd.map(change, range(60))} == {200}
    assert left(shop, flight) == 20 - shop.get(f"/orders/{key}").json()["seats"]


def test_failed_request_is_counted(run):
    """A receiver of got_request_exception is called for an unhandled exception."""
    done = run("-c", SET_UP + FAIL_ONCE)
    assert done.stdout.startswith("500 {'started': 2, 'failed': 1, 'finished': 1} ")
    assert "'finished': 2" in done.stdout


@pytest.mark.parametrize(
    ("database", "pool_size"),
    [
        ("sqlite", 20),
        pytest.param("postgres", 1, marks=pytest.mark.service),
        pytest.param("sqlite", 1, marks=pytest.mark.slow),
        pytest.param("postgres", 20, marks=[pytest.mark.service, pytest.mark.slow]),
    ],
)
def test_rush_loses_nothing(run, new_database, database, pool_size):
    """Many customers at once leave every book right, with one connection or with many."""
    chosen = ("--requests=200", "--at-once=100", f"--pool-size={pool_size}")
    done = run(PROJECT / "demo.py", *chosen, **new_database(database))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Every receiver was called exactly as often as it should." in done.stdout
    for book in {"orders", *KEEPERS.values()}:
        assert re.search(rf"{book} +│ +\d+ │ exactly right", done.stdout)
    assert re.search(r"take_seats \(shop.receivers\.py:\d+\): .*, async", done.stdout)


def test_every_receiver_is_needed(run):
    """If a receiver is not called, its book is wrong, and the demo reports it."""
    done = run("-c", SET_UP + MUTE_ONE_BY_ONE)
    assert done.returncode == 0, done.stderr
    _, *failed = done.stderr.split("without ")
    for (keeper, book), printed in zip(KEEPERS.items(), failed, strict=True):
        assert printed.startswith(f"{keeper}\n")
        assert f"The {book}:" in printed
