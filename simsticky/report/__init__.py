"""Studies for people: tables on a terminal, Markdown, CSV."""
