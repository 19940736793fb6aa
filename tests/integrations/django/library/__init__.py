"""An app with a few models, one of which inherits."""
