"""What SDKs must not log."""

import logging


def keep_out_of_logs(*loggers: str) -> None:
    """Keep SDKs from logging requests, with bodies and signatures; who sets a level has decided otherwise."""
    for name in loggers:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
