"""A shop that sells seats on flights; its receivers keep the books (derived data)."""
