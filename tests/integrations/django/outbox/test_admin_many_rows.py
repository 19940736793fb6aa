"""Actions of the admin on many deliveries."""

from tests.integrations.django.outbox.admin_site import run


def test_more_rows_than_sqlite_takes_parameters_are_changed():
    """An action on all pages reads no events, because SQLite limits the parameters of a statement."""
    lines = run(
        """
        import sqlite3
        from django.db import connection
        rows = [bury("mail") for _ in range(120)]
        person = client(*everything)
        person.get(URL)
        connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 110)
        def act(name):
            data = {"action": name, "_selected_action": rows[:100], "select_across": "1"}
            page = person.post(URL, data, follow=True).content.decode()
            print(*re.findall(r"[0-9]+ deliver[a-z]+ [a-z]+ (?:requeued|discarded)", page))
            print(Dead.objects.count(), Delivery.objects.count())
        act("requeue_selected")
        rows = [bury("stock") for _ in range(120)]
        act("delete_selected")
        """
    )
    assert lines == [
        *("120 deliveries were requeued", "0 120"),
        *("120 deliveries were discarded", "0 120"),
    ]
