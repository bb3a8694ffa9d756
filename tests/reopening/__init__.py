"""What is done again when something turns out wrong: exactly what rests on it."""
