"""How many queries a send in Django costs: see `statement_counts`."""

from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from clarion import Signal, durable
from tests.outbox.statement_counts import RECEIVERS, check


def test_sends_in_an_atomic_block(alias):
    """The queries of a block with sends are those that are stored, without a savepoint."""
    for number in RECEIVERS:
        signal = Signal(name=f"shop.paid{number}")
        for place in range(number):
            signal.connect(
                lambda sender, **kw: None, weak=False, delivery=durable(name=f"d{number}.{place}")
            )
        with (
            transaction.atomic(using=alias),
            CaptureQueriesContext(connections[alias]) as queries,
        ):
            signal.send("web", using=alias)
        # Django logs one statement for many rows as "3 times: ...".
        kinds = [each["sql"].rpartition(" times: ")[2].split()[0] for each in queries]
        vendor = connections[alias].vendor
        check("django", f"{vendor}, {number} receivers", kinds)
