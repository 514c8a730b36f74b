"""The server: composes line, store and lab, and holds the line's lease."""
