"""Reads an answer: finds it in a completion, gives equal-looking texts one spelling, and recognises its structure."""
