"""The least that a server can do: answers every request with the bytes of one file. Run as a process of its own."""

import sys
from pathlib import Path
from typing import Any

import uvicorn


def answering(body: bytes) -> Any:
    """An ASGI application that answers these bytes."""
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")],
    }
    end = {"type": "http.response.body", "body": body}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        await send(end)

    return application


def main(port: int, path: Path) -> None:
    """Serve with the options that `haversack serve` gives uvicorn."""
    uvicorn.run(
        answering(path.read_bytes()),
        host="127.0.0.1",
        port=port,
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
