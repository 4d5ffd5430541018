"""A product package without products, whose workflows make trouble for those who run them."""
