"""Compares two answers that were read: by their structure, then value by value, exactly if that is possible."""
