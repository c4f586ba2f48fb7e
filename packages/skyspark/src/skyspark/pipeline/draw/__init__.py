"""The lineage of a plan as Mermaid, as DOT, and as a page for the browser."""
