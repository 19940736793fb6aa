from decimal import Decimal
from uuid import uuid4

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver

from clarion.integrations.django import track_changes

noted_in_models: list[str] = []


class Author(models.Model):
    name = models.CharField(max_length=40)


class Novelist(Author):
    genre = models.CharField(max_length=40, default="crime")


class Book(models.Model):
    title = models.CharField(max_length=40)
    authors = models.ManyToManyField(Author, related_name="books")


class OpenTopics(models.Manager):
    """Hides some rows, as the manager of a soft deletion does."""

    def get_queryset(self):
        return super().get_queryset().filter(is_closed=False)


class Topic(models.Model):
    code = models.CharField(max_length=10, unique=True)
    is_closed = models.BooleanField(default=False)

    objects = OpenTopics()
    every = models.Manager()  # noqa: DJ012


class Person(models.Model):
    """Has a relation of each kind."""

    name = models.CharField(max_length=40)
    friends = models.ManyToManyField("self")
    follows = models.ManyToManyField("self", symmetrical=False, related_name="followers")
    topics = models.ManyToManyField(Topic, through="Interest", related_name="people")
    kept = models.ManyToManyField(Topic, through="Record", related_name="+")


class Interest(models.Model):
    """A row of a relation, by the code of the topic."""

    person = models.ForeignKey(Person, models.CASCADE)
    topic = models.ForeignKey(Topic, models.CASCADE, to_field="code")
    since = models.IntegerField(default=2000)


class Record(models.Model):
    """A row that outlives the person."""

    person = models.ForeignKey(Person, models.SET_NULL, null=True)
    topic = models.ForeignKey(Topic, models.CASCADE)


class StampingQuerySet(models.QuerySet):
    """Counts the updates of each row, as projects do that keep the time of the last one."""

    def update(self, **values):
        return super().update(**{"stamp": models.F("stamp") + 1} | values)


class Shelf(models.Model):
    name = models.CharField(max_length=40)


class Copy(models.Model):
    """Nothing refers to it: Django deletes it without loading it."""

    code = models.CharField(max_length=40, unique=True)
    shelf = models.ForeignKey(Shelf, models.CASCADE, null=True, related_name="copies")
    reader = models.ForeignKey(Author, models.SET_NULL, null=True, related_name="copies")
    stamp = models.IntegerField(default=0)

    objects = StampingQuerySet.as_manager()


class RareCopy(Copy):
    class Meta:
        proxy = True


class Ticket(models.Model):
    """Has its key made in Python."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    code = models.CharField(max_length=40, unique=True)
    used = models.BooleanField(default=False)


class Sample(models.Model):
    """Has a key and columns of types that JSON does not have."""

    mass = models.DecimalField(primary_key=True, max_digits=8, decimal_places=3)
    data = models.JSONField(encoder=DjangoJSONEncoder, null=True)
    raw = models.BinaryField(default=b"")
    took = models.DurationField(null=True)
    day = models.DateField(null=True)
    double = models.GeneratedField(
        expression=models.F("mass") * 2,
        output_field=models.DecimalField(max_digits=9, decimal_places=3),
        db_persist=True,
    )


class Stay(models.Model):
    """Has a key of two columns."""

    pk = models.CompositePrimaryKey("room", "night")
    room = models.IntegerField()
    night = models.IntegerField()
    guest = models.CharField(max_length=40)


class Page(models.Model):
    """Refers to a book that may be missing until the commit."""

    book = models.ForeignKey(Book, models.CASCADE)


@track_changes
class Item(models.Model):
    """Is tracked from the start."""

    title = models.CharField(max_length=40)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(1))
    stock = models.IntegerField(default=0)
    tags = models.JSONField(default=list)
    scan = models.FileField(upload_to="scans", blank=True)
    shelf = models.ForeignKey(Shelf, models.SET_NULL, null=True)
    at = models.DateTimeField(auto_now=True)


class RareItem(Item):
    class Meta:
        proxy = True


class Map(Item):
    """Has a table of its own beside its parent's."""

    scale = models.IntegerField(default=1)


@track_changes
class Dated(models.Model):
    day = models.DateField(null=True)

    class Meta:
        abstract = True


class Loan(Dated):
    book = models.CharField(max_length=40)


# The app stands before Clarion's in INSTALLED_APPS, and may use Clarion's arguments.
@receiver(post_save, sender="library.Author", priority=5, dispatch_uid="models")
def note_in_models(sender, instance, **kwargs):
    noted_in_models.append(instance.name)
