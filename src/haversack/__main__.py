"""Makes `python -m haversack` the `haversack` command."""

from haversack.cli.main import app

app()
