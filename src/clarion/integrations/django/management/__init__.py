"""What manage.py can do when the app is installed."""
