"""What any notebook can use: execution, records of numbers, checks."""
