"""What a flush writes: planned before it, sent before and after it."""
