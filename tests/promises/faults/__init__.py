"""Faults of the network and of the server, and the proof that delivery survives each of them."""
