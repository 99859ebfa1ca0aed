"""Calls → Calls: what a saving does to the bill. Pure functions on the table; never a cost."""
