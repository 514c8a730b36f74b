"""Label-release kinetics on interval-censored times."""
