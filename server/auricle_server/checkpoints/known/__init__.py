"""What is known of models before they are loaded: the bundled ones, and the published ones. Loads no tensor library."""
