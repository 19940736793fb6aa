from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver

heard_from_models: list[str] = []


class Author(models.Model):
    name = models.CharField(max_length=40)


class Novelist(Author):
    genre = models.CharField(max_length=40, default="crime")


class Book(models.Model):
    title = models.CharField(max_length=40)
    authors = models.ManyToManyField(Author, related_name="books")


# The app stands before Clarion's in INSTALLED_APPS, and may use Clarion's arguments.
@receiver(post_save, sender="library.Author", priority=5, dispatch_uid="models")
def hear_in_models(sender, instance, **kwargs):
    heard_from_models.append(instance.name)
