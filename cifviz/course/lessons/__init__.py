"""What belongs to one lesson alone: its exercises, with the usual mistakes and their hints."""
