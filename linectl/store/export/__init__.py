"""A run written out for other tools, and taken back: tables, event documents, archives."""
