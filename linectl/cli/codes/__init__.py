"""Every error code of linectl, explained in one catalogue; loaded by `linectl explain` alone."""
