"""Training-free changes of attention: extending token computation (Liao and Vargas 2024)."""
