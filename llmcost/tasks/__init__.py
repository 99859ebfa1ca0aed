"""Which task a call belongs to: a tag, a rule, or the call site."""
