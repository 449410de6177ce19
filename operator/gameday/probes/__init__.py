"""Kinds of probes: a folder and a line in ``registry`` each.

``kind`` is what a kind has to say of itself, ``kinds`` gives the operator all of them. ``runner`` is what an agent
runs, and ``runners`` finds it by the kind's name. ``io`` is what kinds share when they talk to a system. What kinds
share that ask an HTTP API is ``web`` for the operator and ``fetch`` for agents. Agents import no ``kind``: pydantic
would cost them 15 MB. Nobody outside imports the folder of a kind. See docs/dev/add-a-probe.md.
"""
