"""The line: tags, readings, scan, writes, commands."""
