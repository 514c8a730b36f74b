"""What every simulated PLC shares: the command handshake, and the manners it expects of its host."""
