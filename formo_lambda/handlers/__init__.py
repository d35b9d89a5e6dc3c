"""An invocation around a call: for each kind of handler, when it opens, and when it ends."""
