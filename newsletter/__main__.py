"""`python -m newsletter`: the same as the command `newsletter`."""

from newsletter.cli import main

if __name__ == "__main__":
    main()
