"""The Hugging Face hub: names of repositories, the cache, downloads that resume."""
