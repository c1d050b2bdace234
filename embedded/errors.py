"""The one error of the embedded stack.

Protects: what goes wrong with a process reaches a person as one sentence that names the thing and the way out.
"""


class StackError(Exception):
    """Something of the stack could not start, died, or was refused; the message is meant for people."""
