"""The label glues of the simulator: how they let go."""
