"""Turns raw rows of each format into the canonical fields, one format a file; `recognise` says which one an input has."""
