"""The pages that players see, and the pictures that the server ships."""
