"""The picture that social networks show with a link to a page."""

import re
import struct

from tests.house.tree import ROOT

STATIC = ROOT / "docs" / "_static"
EXTENSION = (ROOT / "docs" / "_ext" / "social_picture.py").read_text()


def test_the_picture_has_the_size_that_the_tags_give():
    """The PNG and the drawing that it was made from have the width and the height of the tags."""
    sizes = [int(each) for each in re.findall(r'"og:image:(?:width|height)": "(\d+)"', EXTENSION)]
    found = (STATIC / "social.png").read_bytes()
    assert found.startswith(b"\x89PNG")
    assert [*struct.unpack(">II", found[16:24])] == sizes
    assert f'viewBox="0 0 {sizes[0]} {sizes[1]}"' in (STATIC / "social.svg").read_text()
