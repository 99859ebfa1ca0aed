"""Results → Document → terminal, markdown, HTML, CSV; exports for other tools."""
