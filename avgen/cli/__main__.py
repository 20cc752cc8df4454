"""Run the `avgen` command as `python -m avgen.cli`, for `accelerate launch -m avgen.cli train ...`."""

from avgen.cli.base import main

if __name__ == "__main__":
    main()
