"""Django's `Signal`, dispatched by Clarion."""
