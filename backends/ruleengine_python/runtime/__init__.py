"""What emitted modules are made of: to the compiler these files are text (see `library`)."""
