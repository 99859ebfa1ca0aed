"""Which calls are asked again, of whom, and how: sample design, arms, the runner."""
