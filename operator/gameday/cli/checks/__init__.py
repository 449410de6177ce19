"""What the API server and the operator would refuse of a file, found without either of them.

Nothing is a second copy of a rule: the schema with its CEL rules is the one that ``crds`` is made from, and the plan is
checked by the operator's own code. Read ``check`` first.
"""
