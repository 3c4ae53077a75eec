"""Runs the command line for `python -m hicra.cli`."""

from hicra.cli import main

if __name__ == "__main__":
    main()
