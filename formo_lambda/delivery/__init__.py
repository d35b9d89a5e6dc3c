"""How events leave: batches, retry policy, senders, the urllib3 transport. The only place that does I/O.

Its modules are imported one by one, so that `import formo_lambda` loads neither urllib3 nor tenacity.
"""
