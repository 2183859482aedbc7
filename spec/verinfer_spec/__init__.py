"""A second verifier of Verinfer's proofs, written from docs/protocol.md and its companions."""
