"""A shop that sells seats on flights, and whose receivers keep its books."""
