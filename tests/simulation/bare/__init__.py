"""The same drills without a cluster's detail: the engine and the operator's own loop, some ten thousand a minute.

What the operator's hands do in several calls is one effect here, and what mirrors show is one fact at a time. Each
effect can be refused, come late, be done without an answer; each fact can come late, out of order or never until the
next list. The real hands, mirrors and memory run in ``simulation.running``, more slowly.
"""
