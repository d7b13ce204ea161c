"""What is known about log sources, their fields and the ids that tags name, all of it as data files."""
