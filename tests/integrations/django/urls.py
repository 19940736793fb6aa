"""One view, for whatever needs a request."""

from django.http import HttpResponse
from django.urls import path

from tests.integrations.django.library.models import Author


def write(request):
    Author.objects.create(name="written by a view")
    return HttpResponse("<html><body>written</body></html>")


def fail(request):
    raise ZeroDivisionError


urlpatterns = [path("write/", write), path("fail/", fail)]
