"""The command line: one thin module a command. The only place that prints errors."""
