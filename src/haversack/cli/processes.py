"""The processes of `haversack serve --processes`, and the parent that watches over them."""

from uvicorn.supervisors import Multiprocess


class Processes(Multiprocess):
    """uvicorn's processes, which give the port up as soon as they are told to end. The parent holds it too: who came
    while requests under way were answered waited for nobody, until the connection was reset."""

    def terminate_all(self) -> None:
        """End every process."""
        for each in self.sockets:
            each.close()
        super().terminate_all()
