"""One process of the operator: what leads, what each drill and GameDay is started by, and disputes over them."""
