"""Terminal displays for people at the line (extra `tui`)."""
