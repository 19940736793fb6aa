"""The airports of the world, and the books (derived data) that receivers keep about them."""
