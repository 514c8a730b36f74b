"""Physics that line, lab and sim share."""
