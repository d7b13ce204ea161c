"""Second opinions that share no code with ruleengine."""
