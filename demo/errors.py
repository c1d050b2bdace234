"""What a demo says when it cannot go on: one sentence, or the facts that a face needs to write one."""

from pathlib import Path


class DemoFailed(Exception):
    """It was started as asked and did not succeed. The message names the thing and the way out."""


class OtherWorld(Exception):
    """The simulated world in a folder was made with other options than those given now."""

    def __init__(self, folder: Path, option: str, kept: object) -> None:
        super().__init__(f"the world in {folder} was made with {option} {kept}")
        self.folder = folder
        self.option = option
        self.kept = kept


class OtherKindOfWorld(DemoFailed):
    """A folder belongs to real homes where simulated ones were asked for, or the other way round."""

    def __init__(self, folder: Path, *, is_live: bool) -> None:
        kind, way = ("real", "--no-simulator") if is_live else ("simulated", "no --no-simulator")
        super().__init__(f"{folder} holds {kind} homes: start it with {way}, or name another --dir")
