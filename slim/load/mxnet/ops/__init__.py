"""Translations by family; each function takes a `NodeView` and returns the node's outputs. `table` lists them."""
