"""Stored deliveries in Django's admin: what waits, and what was given up.

To requeue a dead delivery, a user needs the permission to change it. To discard it, a user needs the
permission to delete it. Payloads and errors hold what users have sent, so pages show them escaped.
"""

# Django has no types of its own.
# pyright: reportUntypedFunctionDecorator=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from clarion._core.names import counted
from clarion.errors import ArgumentError
from clarion.integrations.django.outbox.connection import DjangoConnection
from clarion.integrations.django.outbox.models import Dead, Delivery, Event
from clarion.integrations.django.outbox.shown import printable, shown_json
from clarion.outbox import store
from clarion.outbox.delivery_row import NO_EVENT
from clarion.outbox.facts import error_line
from clarion.outbox.lapses import lost_workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

_LONGEST = 100  # characters of an error in the list


class RowAdmin(admin.ModelAdmin):
    """What the two lists have in common. Nothing can be edited.

    Attributes:
        database: the alias of the database whose rows are shown; None for the router's choice.
    """

    database: str | None = None
    list_filter = ("receiver",)
    search_fields = ("receiver", "key", "event__signal", "event__uid")
    ordering = ("id",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the database."""
        found: Any = super().get_queryset(request)
        # An action may take more rows than SQLite takes parameters, and shows no events.
        if str(request.method) != "POST":
            # Not joined: a row is also shown if its event was deleted by hand.
            found = found.prefetch_related("event")
        return found if self.database is None else found.using(self.database)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:  # noqa: ARG002
        """Return False: only a send adds a delivery."""
        return False

    @admin.display(ordering="event__signal")
    def signal(self, row: Any) -> str:
        """Return the name of the signal."""
        return _event(row).signal

    @admin.display(description="send")
    def uid(self, row: Any) -> str:
        """Return the identifier of the send."""
        return str(row.event_id)

    @admin.display
    def payload(self, row: Any) -> str:
        """Return the payload, escaped."""
        return _block(shown_json(bytes(_event(row).payload)))

    @admin.display
    def headers(self, row: Any) -> str:
        """Return the headers, escaped."""
        return _block(shown_json(_event(row).headers))

    @admin.display(description="error")
    def traceback(self, row: Any) -> str:
        """Return the last traceback, escaped."""
        return _block(printable(row.error or ""))

    @admin.display(description="error")
    def error_line(self, row: Any) -> str:
        """Return the line of the traceback that names the error."""
        return error_line(row.error or "")[:_LONGEST]


@admin.register(Delivery)
class DeliveryAdmin(RowAdmin):
    """Deliveries that wait for a worker, or are being made."""

    list_display = (
        *("id", "receiver", "signal", "key", "due_at", "failures"),
        *("lost_workers", "error_line"),
    )
    fields = (
        *("id", "receiver", "signal", "key", "uid", "due_at", "failures", "lost_workers"),
        *("payload", "headers", "traceback"),
    )
    readonly_fields = fields

    @admin.display(ordering="attempt")
    def lost_workers(self, row: Any) -> int:
        """Return how many workers have ended while they held the delivery."""
        return lost_workers(row.attempt)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Return False: a worker may have the delivery."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """Return False: a worker may have the delivery."""
        return False


@admin.register(Dead)
class DeadAdmin(RowAdmin):
    """Deliveries that were given up, to requeue or to discard."""

    list_display = ("id", "receiver", "signal", "key", "given_up_at", "failures", "error_line")
    fields = (
        *("id", "receiver", "signal", "key", "uid", "given_up_at", "failures"),
        *("payload", "headers", "traceback"),
    )
    readonly_fields = fields
    actions: ClassVar[list[str]] = ["requeue_selected", "delete_selected"]

    @admin.action(description="Requeue the selected deliveries", permissions=["change"])
    def requeue_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Let the deliveries be made again."""
        self._act(request, list(queryset), store.requeue, "requeued")

    @admin.action(description="Discard the selected deliveries", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Remove the deliveries. The name takes the place of Django's own action."""
        self._act(request, list(queryset), store.discard, "discarded")

    def change_view(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Show a delivery, or act if one of its buttons was pressed."""
        method: Any = request.method
        if method == "POST" and (row := self.get_object(request, object_id)) is not None:
            if "_requeue" in request.POST and self.has_change_permission(request, row):
                return self._act_and_return(request, row, store.requeue, "requeued")
            if "_discard" in request.POST and self.has_delete_permission(request, row):
                return self._act_and_return(request, row, store.discard, "discarded")
        response: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        return response

    def delete_model(self, request: HttpRequest, obj: Any) -> None:  # noqa: ARG002
        """Discard a delivery, so that the later ones of its key continue."""
        _change(obj, store.discard)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:  # noqa: ARG002
        """Discard deliveries, as `delete_model`."""
        for row in queryset:
            _change(row, store.discard)

    def _act_and_return(
        self, request: HttpRequest, row: Any, act: Callable[..., None], done: str
    ) -> HttpResponse:
        self._act(request, [row], act, done)
        return HttpResponseRedirect(
            reverse("admin:clarion_outbox_dead_changelist", current_app=self.admin_site.name)
        )

    def _act(
        self, request: HttpRequest, rows: list[Any], act: Callable[..., None], done: str
    ) -> None:
        changed = [row for row in rows if _change(row, act)]
        for row in changed:
            self.log_change(request, row, f"{done.capitalize()}.")
        if changed:
            count = counted(len(changed), "delivery was", "deliveries were")
            self.message_user(request, f"{count} {done}.", messages.SUCCESS)
        if left := len(rows) - len(changed):
            count = counted(left, "delivery is", "deliveries are")
            self.message_user(request, f"{count} not dead any more.", messages.WARNING)


def _change(row: Any, act: Callable[..., None]) -> bool:
    """Requeue or discard a delivery; return False if another user has done so."""
    alias = row._state.db
    block: Any = transaction.atomic(using=alias)
    try:
        with block:
            act(DjangoConnection(alias), row.pk)
    except ArgumentError:
        return False
    return True


def _event(row: Any) -> Any:
    model: Any = Event
    try:
        return row.event
    except model.DoesNotExist:
        return Event(signal=NO_EVENT, payload=b"", headers="")


def _block(text: str) -> str:
    return str(format_html('<pre style="white-space: pre-wrap">{}</pre>', text))
