"""What can be worked out about a rule beyond whether it holds: explanations, witnesses."""
