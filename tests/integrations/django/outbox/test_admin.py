"""Stored deliveries in Django's admin, with payloads and errors of an attacker."""

import pytest

from tests.integrations.django.outbox.admin_site import run


def test_dead_deliveries_are_listed_filtered_and_shown():
    """Every page escapes hostile payloads, errors and names."""
    lines = run(
        """
        row, other = bury("mail<script>alert(2)</script>"), bury("bill")
        person = client(*everything)
        for url in (URL, URL + "?receiver=bill", f"{URL}{row}/change/", URL + "?q=shop"):
            page = person.get(url)
            html = page.content.decode()
            print(page.status_code, "<script>alert" in html, html.count("shop.paid"))
        html = person.get(f"{URL}{row}/change/").content.decode()
        print("&lt;/pre&gt;&lt;script&gt;alert(1)" in html, "Traceback" in html)
        print('name="_requeue"' in html, 'name="_discard"' in html, 'name="_save"' in html)
        """
    )
    assert lines == [
        "200 False 2",
        "200 False 1",
        "200 False 1",
        "200 False 2",
        "True True",
        "True True False",
    ]


def test_what_waits_is_shown_and_cannot_be_changed():
    """A waiting delivery is shown and cannot be changed, because a worker may have it."""
    lines = run(
        """
        publish(Target("mail<script>alert(2)</script>"))
        row = Delivery.objects.get().id
        person = client(*everything)
        for url in ("", f"{row}/change/", "add/", f"{row}/delete/"):
            page = person.get(f"/admin/clarion_outbox/delivery/{url}")
            print(page.status_code, b"<script>alert" in page.content)
        print(person.post(f"/admin/clarion_outbox/delivery/{row}/change/", {"_save": "1"}).status_code)
        """
    )
    assert lines == ["200 False", "200 False", "403 False", "403 False", "403"]


def test_what_has_lost_a_worker_is_shown():
    """The list and the page of a waiting delivery say how many workers it has lost."""
    lines = run(
        """
        from clarion.outbox.lapses import SUSPECT, STATE

        publish(Target("mail"), Target("bill"))
        Delivery.objects.filter(receiver="bill").update(attempt=SUSPECT * STATE + 3)
        person = client(*everything)
        html = person.get("/admin/clarion_outbox/delivery/?o=-6").content.decode()
        print(re.findall('field-lost_workers">([0-9]+)<', html))
        row = Delivery.objects.get(receiver="bill").id
        html = person.get(f"/admin/clarion_outbox/delivery/{row}/change/").content.decode()
        print(re.findall("Lost workers:.*?([0-9]+)</div>", html, re.DOTALL))
        """
    )
    assert lines == ["['2', '0']", "['2']"]


def test_deliveries_are_requeued_and_discarded():
    """Actions in the list and buttons on the page requeue and discard deliveries."""
    lines = run(
        """
        rows = [bury("mail") for _ in range(5)]
        person = client(*everything)
        def show(): print(Dead.objects.count(), Delivery.objects.count())
        person.post(URL, {"action": "requeue_selected", "_selected_action": [rows[0]]})
        show()
        page = person.post(URL, {"action": "delete_selected", "_selected_action": [rows[1]]}, follow=True)
        show()
        print("1 delivery was discarded." in page.content.decode())
        print(person.post(f"{URL}{rows[2]}/change/", {"_requeue": "1"}).url)
        show()
        person.post(f"{URL}{rows[3]}/change/", {"_discard": "1"})
        show()
        person.post(f"{URL}{rows[4]}/delete/", {"post": "yes"})
        show()
        print(person.post(f"{URL}{rows[4]}/change/", {"_requeue": "1"}).status_code)
        from django.contrib.admin.models import LogEntry
        print(sorted(entry.get_change_message() for entry in LogEntry.objects.all()))
        """
    )
    assert lines == [
        *("4 1", "3 1", "True", "/admin/clarion_outbox/dead/", "2 2", "1 2", "0 2", "302"),
        "['', 'Discarded.', 'Discarded.', 'Requeued.', 'Requeued.']",
    ]


def test_what_another_user_has_requeued_is_left_alone():
    """The page says so, and the log of the admin has no entry for it."""
    lines = run(
        """
        from clarion.integrations.django.outbox.admin import DeadAdmin
        rows = [bury("mail") for _ in range(2)]
        act = DeadAdmin.requeue_selected

        def late(self, request, queryset):
            found = list(queryset)
            with transaction.atomic():
                for row in taken:
                    store.requeue(DjangoConnection("default"), row)
            act(self, request, found)

        late.allowed_permissions, late.short_description = act.allowed_permissions, "Requeue"
        DeadAdmin.requeue_selected = late
        person = client(*everything)

        def requeue(rows):
            data = {"action": "requeue_selected", "_selected_action": rows}
            return person.post(URL, data, follow=True).content.decode()

        taken = rows[:1]
        html = requeue(rows)
        print("1 delivery was requeued." in html, "1 delivery is not dead any more." in html)
        taken = [bury("mail")]
        html = requeue(taken)
        print("requeued." in html, "1 delivery is not dead any more." in html)
        print(Dead.objects.count(), Delivery.objects.count())
        from django.contrib.admin.models import LogEntry
        print([entry.object_id == str(rows[1]) for entry in LogEntry.objects.all()])
        """
    )
    assert lines == ["True True", "False True", "0 3", "[True]"]


def test_only_discarding_is_offered():
    """The list has two actions, and the page has no link to Django's deletion."""
    lines = run(
        """
        row = bury("mail")
        person = client(*everything)
        html = person.get(URL).content.decode()
        print(re.findall('<option value="([a-z_]+)">([A-Za-z ]+)', html))
        html = person.get(f"{URL}{row}/change/").content.decode()
        print(f"{URL}{row}/delete/" in html, "deletelink" in html)
        """
    )
    actions = [
        ("requeue_selected", "Requeue the selected deliveries"),
        ("delete_selected", "Discard the selected deliveries"),
    ]
    assert lines == [str(actions), "False False"]


def test_a_deletion_on_its_own_page_discards():
    """Django's page that deletes one row is still there, and lets the later ones of its key continue."""
    lines = run(
        """
        publish(Target("mail", "7"))
        publish(Target("mail", "7"))
        connection = DjangoConnection("default")
        with transaction.atomic():
            store.add_partitions(connection, ["mail"])
            [[receiver, part]] = store.due_partitions(connection, ["mail"])
            held = store.lease_partition(connection, receiver, part, 60_000)
            first = store.window(connection, held, 10)[0]
            store.bury(connection, "mail", first, "Traceback", block=True)
        print(len(store.window(connection, held, 10)))
        person = client(*everything)
        print(person.post(f"{URL}{first.id}/delete/", {"post": "yes"}).status_code)
        print(Dead.objects.count(), len(store.window(connection, held, 10)))
        """
    )
    assert lines == ["0", "302", "0 1"]


@pytest.mark.parametrize(
    ("permissions", "requeued", "discarded"),
    [
        (("view_dead",), False, False),
        (("view_dead", "change_dead"), True, False),
        (("view_dead", "delete_dead"), False, True),
    ],
)
def test_each_action_needs_its_permission(permissions, requeued, discarded):
    """Without the permission the button is hidden, and a forged request changes nothing."""
    lines = run(
        f"""
        row = bury("mail")
        person = client(*{permissions})
        html = person.get(f"{{URL}}{{row}}/change/").content.decode()
        print('name="_requeue"' in html, 'name="_discard"' in html)
        for action, name in (("requeue", "requeue_selected"), ("discard", "delete_selected")):
            for is_button in (False, True):
                row = bury(action)
                data = {{"action": name, "_selected_action": [row]}}
                url = f"{{URL}}{{row}}/change/" if is_button else URL
                person.post(url, {{f"_{{action}}": "1"}} if is_button else data)
                print(action, Dead.objects.filter(id=row).count())
                Dead.objects.all().delete()
                Delivery.objects.all().delete()
        """
    )
    assert lines == [
        f"{requeued} {discarded}",
        *(f"requeue {int(not requeued)}" for _ in range(2)),
        *(f"discard {int(not discarded)}" for _ in range(2)),
    ]


def test_a_request_without_the_token_is_refused():
    """A request of a button without the CSRF token is refused."""
    lines = run(
        """
        row = bury("mail")
        person = client(*everything, enforce_csrf_checks=True)
        print(person.post(f"{URL}{row}/change/", {"_discard": "1"}).status_code)
        print(client().get(URL).status_code, Client().get(URL).status_code, Dead.objects.count())
        """
    )
    assert lines == ["403", "403 302 1"]


def test_the_outbox_of_another_database_has_an_admin_of_its_own():
    """The admin of another database lists, shows, requeues and discards only its own deliveries."""
    lines = run(
        """
        from clarion.integrations.django.outbox.admin import DeadAdmin, DeliveryAdmin

        call_command("migrate", database="other", verbosity=0)
        other = admin.AdminSite("other")
        for model, usual in ((Dead, DeadAdmin), (Delivery, DeliveryAdmin)):
            other.register(model, type("Other", (usual,), {"database": "other"}))
        urlpatterns.append(path("other/", other.urls))
        there = "/other/clarion_outbox/dead/"

        rows = [bury("here") for _ in range(5)]
        assert [bury("there", "other") for _ in range(5)] == rows
        person = client(*everything)
        def show():
            print(*(kind.objects.using(name).count() for name in ("default", "other")
                    for kind in (Dead, Delivery)))
        page = person.get(there).content.decode()
        print(page.count(">there<"), page.count(">here<"))
        page = person.get(f"{there}{rows[0]}/change/").content.decode()
        print(">there<" in page, ">here<" in page)
        person.post(there, {"action": "requeue_selected", "_selected_action": [rows[0]]})
        show()
        person.post(there, {"action": "delete_selected", "_selected_action": [rows[1]]})
        show()
        print(person.post(f"{there}{rows[2]}/change/", {"_requeue": "1"}).url)
        show()
        page = person.get(f"{there}{rows[3]}/delete/").content.decode()
        print("there" in page, f"here {rows[3]}" in page.replace("there", ""))
        person.post(f"{there}{rows[3]}/delete/", {"post": "yes"})
        show()
        person.post(f"{there}{rows[4]}/change/", {"_discard": "1"})
        show()
        print(person.get("/other/clarion_outbox/delivery/").content.decode().count(">there<"))
        print(person.get(f"/other/clarion_outbox/delivery/{rows[0]}/change/").status_code)
        """
    )
    assert lines == [
        *("6 0", "True False", "5 0 4 1", "5 0 3 1", "/other/clarion_outbox/dead/", "5 0 2 2"),
        *("True False", "5 0 1 2", "5 0 0 2", "3", "200"),
    ]


def test_a_delivery_without_its_event_is_listed_and_shown():
    """A delivery whose event was deleted is listed and shown."""
    lines = run(
        """
        from clarion.integrations.django.outbox.models import Event

        publish(Target("waits"))
        row = bury("mail")
        Event.objects.all().delete()
        person = client(*everything)
        waiting = Delivery.objects.get().id
        for url in ("dead/", f"dead/{row}/change/", "delivery/", f"delivery/{waiting}/change/"):
            page = person.get(f"/admin/clarion_outbox/{url}")
            print(page.status_code, page.content.decode().count("(its event was deleted)"))
        person.post(f"{URL}{row}/change/", {"_discard": "1"})
        print(Dead.objects.count())
        """
    )
    assert lines == ["200 1"] * 4 + ["0"]
