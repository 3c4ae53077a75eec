"""Thin adapters, one module an engine, each an optional extra; they never import each other."""
