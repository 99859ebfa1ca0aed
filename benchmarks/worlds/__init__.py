"""Worlds of known truth, one module a theme, in which the product's own code shows how often it is wrong."""
