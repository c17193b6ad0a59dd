"""Results as JSON files, and tables and plots of them."""
