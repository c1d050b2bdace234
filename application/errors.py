"""What a command says when it cannot do what was asked: one sentence on stderr and an exit code."""


class Complaint(Exception):
    """Base; the message names the thing and the way out."""

    exit_code = 1


class Failed(Complaint):
    """The command was right and did not succeed."""

    exit_code = 1


class WrongInput(Complaint):
    """The command's words or files are wrong."""

    exit_code = 2
