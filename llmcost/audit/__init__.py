"""Where the money goes, what is wasted, what could be saved: from the log alone."""
