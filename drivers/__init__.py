"""Wires only: registers, bytes and topics into typed values."""
