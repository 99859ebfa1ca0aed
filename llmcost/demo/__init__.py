"""Sample traffic and its recorded endpoint, so that everything runs with no key and no network."""
