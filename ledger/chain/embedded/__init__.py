"""The embedded engine: py-evm's chain made durable, with its own pool, index, clock and JSON-RPC."""
