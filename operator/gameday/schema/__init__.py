"""What every part of a resource is made with: names on the wire, rules, lengths of time, sizes, structural schemas."""
