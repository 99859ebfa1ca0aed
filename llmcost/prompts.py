"""The texts of a request's messages, and which prompt of it is compared with others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SYSTEM_ROLES = ("system", "developer")
# Parts of a message that are no text, by their type: what they are.
ATTACHMENTS: Mapping[str, str] = {
    "image_url": "images", "input_image": "images", "image": "images", "input_audio": "sound", "audio": "sound",
    "file": "files", "input_file": "files", "document": "files", "video_url": "videos",
}  # fmt: skip
LONGEST_SKETCHED = 512  # characters: what is longer is a document, and hardly asked twice in other words


def single_turn(roles: Sequence[Any], texts: Sequence[str]) -> str | None:
    """The prompt of a request of a single turn, if it is short enough to be asked again in other words: it is sketched.

    Roles and texts of all messages; only system messages may stand before the prompt.
    """
    if not roles or roles[-1] != "user" or len(texts[-1]) > LONGEST_SKETCHED:
        return None
    alone = len(roles) == 1 or all(role in SYSTEM_ROLES for role in roles[:-1])
    return texts[-1] or None if alone else None


def texts_of(content: object) -> Iterator[str]:
    """The texts of a message's content: itself, or those of its parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]
