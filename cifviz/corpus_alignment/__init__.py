"""A whole corpus: aligned on a Dask cluster, shown on a page, compared.

Needs the extra ``cifviz[corpus]``.
"""
