"""The alarms of a running line: judged at each scan, told, kept, and answered for by people."""
