"""The terminal dashboard `linectl watch`: what it shows (`sight`, drawn by pure functions), its keys, its screen."""
