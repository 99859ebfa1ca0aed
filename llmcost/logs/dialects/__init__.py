"""Families of span attributes, one file each: which spans are theirs, which are calls, and what those say."""
