"""The formats that rollouts come in, one a file: a raw row to the canonical fields. `recognise` says which one a file has."""
