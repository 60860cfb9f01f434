"""Imported by a server: ends it once its stdin closes, that is when its parent ends, even if the parent was killed."""

import os
import signal
import threading

STANDARD_INPUT = 0


def wait_and_end():
    while os.read(STANDARD_INPUT, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


threading.Thread(target=wait_and_end, daemon=True).start()
