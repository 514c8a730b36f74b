"""The wires of the simulator: servers and instruments that foreign clients reach, and the same without wires."""
