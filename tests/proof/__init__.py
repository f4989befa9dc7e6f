"""The proofs: every crash point, every cut connection, power cuts and mutants. `make proof` runs them."""
