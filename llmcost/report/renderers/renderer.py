"""What a renderer is."""

from __future__ import annotations

from typing import Protocol

from llmcost.report.document import Document

WIDTH = 100


class Renderer(Protocol):
    """Draws a document. What a format has no use for (a width, a colour) it ignores."""

    def __call__(self, document: Document, *, width: int = WIDTH, color: bool = False) -> str:
        """The whole document as text that ends with a newline; the same document gives the same bytes."""
