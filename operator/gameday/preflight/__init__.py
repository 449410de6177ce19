"""What is read of a namespace before anything is touched, and what of it would refuse a drill of any kind."""
