"""People's blind verdicts: which pairs they are asked about (packets), and what they said (labels)."""
