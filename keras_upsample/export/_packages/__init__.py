"""What other programs want beside an exported file: one module for each of them."""
