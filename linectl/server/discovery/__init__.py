"""What answers on a wire: Modbus units, ports, instruments, topics; read-only and bounded."""
