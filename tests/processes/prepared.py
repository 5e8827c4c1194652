"""A process that has read the application's code already: each line that it is sent starts a server in a fork of it.

Run as: prepared.py PORT, with the settings in the environment. It prints the number of each process that it starts.
The server is the application of `haversack serve`, under uvicorn itself: `serve` refuses receivers on this machine.
"""

import os
import signal
import sys

import uvicorn

from haversack.app import production_application


def serve(port: int) -> None:
    """Serve until a signal comes."""
    uvicorn.run(production_application, factory=True, port=port, log_level="warning", access_log=False)


def main() -> None:
    """Start a server for each line; end them with this process."""
    port = int(sys.argv[1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed ones need no waiting for
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            sys.stdin.close()
            serve(port)
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
