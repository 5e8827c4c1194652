"""The shell around the operations: how one is declared, who calls it, how a refusal looks."""
