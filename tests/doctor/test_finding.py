"""A finding, and where it is."""

from pathlib import Path

from clarion.doctor import Finding


def test_the_sentences_of_a_message():
    """The first is the problem, and the others are the cure."""
    found = Finding.of("W009", "it", "It is wrong. Correct it. Then test it.", ("a.py", 3))
    assert (found.problem, found.cure) == ("It is wrong.", "Correct it. Then test it.")
    assert (found.file, found.line) == ("a.py", 3)
    assert Finding.of("W009", "it", "It is wrong.").problem == "It is wrong."


def test_the_place_is_short():
    """It is below the folder that the file is imported from."""
    file = str(Path(__file__).resolve())
    place = Finding("W009", "it", "p", "c", file, 3).place
    assert file.endswith(place.removesuffix(":3"))
    assert len(place) < len(file)
    assert Finding("W009", "it", "p", "c", "/a.py").place == "/a.py"
    assert Finding("W009", "it", "p", "c").place == ""
