"""The airports of the world, and the books that receivers keep about them."""
