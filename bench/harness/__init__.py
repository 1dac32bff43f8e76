"""What every comparison needs: a place to work in, measured processes, and rows of a table."""
