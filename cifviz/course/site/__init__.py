"""The course as pages that open without a network: an index, and one page for each lesson."""
