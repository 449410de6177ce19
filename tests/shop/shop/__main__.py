"""``python -m shop PART``: one image, one part a container."""

import asyncio
import importlib
import logging
import os
import sys

from shop.settings import Settings

PARTS = ("api", "worker", "payments", "alerts", "clear-stalled", "replay-dlq")


def main() -> int:
    """Run the part that was named."""
    if len(sys.argv) != 2 or sys.argv[1] not in PARTS:
        sys.stderr.write(f"usage: python -m shop {'|'.join(PARTS)}\n")
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    part = importlib.import_module(f"shop.{sys.argv[1].replace('-', '_')}")
    asyncio.run(part.main(Settings.of(os.environ)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
