"""One page: the search."""

from django.urls import path

from airports.views import search

urlpatterns = [path("airports/", search, name="search")]
