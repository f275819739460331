"""``python -m node_client``: the command ``tongban``."""

from node_client.cli.app import main

main()
