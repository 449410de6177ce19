"""How counts are written in sentences for people."""


def counted(many: int, what: str) -> str:
    """A count with its noun, which takes an s unless there is one: ``1 pod``, ``2 pods``."""
    return f"{many} {what}" if many == 1 else f"{many} {what}s"
