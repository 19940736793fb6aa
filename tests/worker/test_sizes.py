"""The size of the batches."""

from clarion.worker.sizes import Sizes


def test_a_batch_takes_about_as_long_as_it_may():
    """The first batch is small; later ones take about the permitted time."""
    sizes = Sizes(500, 1.0, 10)
    assert sizes.size("mail") == 10
    sizes.learn("mail", 0.01)
    assert sizes.size("mail") == 100
    sizes.learn("mail", 0.00001)
    assert 100 < sizes.size("mail") < 500
    for _ in range(20):
        sizes.learn("mail", 0.00001)
    assert sizes.size("mail") == 500


def test_a_slow_receiver_gets_one_at_a_time():
    """A slow receiver gets one delivery at a time, from its first slow one on."""
    sizes = Sizes(500, 1.0, 10)
    sizes.learn("mail", 0.00001)
    assert sizes.is_quick("mail")
    sizes.learn("mail", 60.0)
    assert sizes.size("mail") == 1
    assert not sizes.is_quick("mail")


def test_the_size_has_a_limit_from_the_start():
    """The first size is not larger than the limit."""
    assert Sizes(3, 1.0, 10).size("mail") == 3
