"""The only view, in JSON."""

from django.forms.models import model_to_dict
from django.http import HttpRequest, JsonResponse

from airports.search import find


def search(request: HttpRequest) -> JsonResponse:
    """Return the airports that `?q=` finds."""
    found = [model_to_dict(airport) for airport in find(request.GET.get("q", ""))]
    return JsonResponse({"found": found})
