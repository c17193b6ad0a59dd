"""Results as JSON files, and the tables and plots made of them."""
