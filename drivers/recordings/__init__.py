"""What went over a wire, written to a file and played back."""
