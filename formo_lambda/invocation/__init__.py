"""When events leave: the scope they belong to, and the flush at its end.

Its modules are imported one by one, so that `import formo_lambda` loads no delivery.
"""
