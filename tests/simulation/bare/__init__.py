"""The same drills without a cluster's detail: the engine and the operator's own loop, some ten thousand a minute.

What the operator's executor of commands does in several calls is one effect here, and what informers show is one fact
at a time. Each effect can be refused, come late, be done without an answer; each fact can come late, out of order or
never until the next list. The real executor, informers and memory run in ``simulation.running``, more slowly.
"""
