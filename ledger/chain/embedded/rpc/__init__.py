"""JSON-RPC 2.0: the dispatcher and the methods, one file per namespace or noun."""
