"""Sends one request body over HTTP. The only place that opens sockets."""
