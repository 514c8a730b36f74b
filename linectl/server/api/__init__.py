"""The local API: JSON lines over the loopback, by which every face speaks to whoever holds a line."""
