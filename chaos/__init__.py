"""Workers on several hosts are killed, cut off and lied to; what they do must come out right."""
