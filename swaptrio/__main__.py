# SPDX-License-Identifier: MIT OR Apache-2.0
"""``python -m swaptrio``, for where the script is not on the path."""

from swaptrio.cli import main

if __name__ == "__main__":
    main()
