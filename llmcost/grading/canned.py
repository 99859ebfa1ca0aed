"""Texts that are no answer to anything: what a lazy judge lets pass."""

from __future__ import annotations

CONSTANTS = (
    "Thank you for your message. We have received it and will get back to you in due course.",
    "There are many sides to this matter, and much depends on the circumstances. Please consult an expert.",
    "As requested, please find the complete result below.",
    "This is an automatic reply. The mailbox is not monitored.",
    "I understand. Let us go through it together, step by step, whenever you are ready to begin.",
    "The weather was mild that spring, and the old harbour smelled of tar and of rope.",
)
