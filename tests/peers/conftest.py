"""Tests against the packages of others: `make test-peers`, in an environment that has them."""

import importlib.util
import warnings

# `make test` runs where these are not: there is nothing to collect.
collect_ignore_glob = [] if importlib.util.find_spec("funasr") else ["test_*.py"]

if not collect_ignore_glob:
    with warnings.catch_warnings():  # importing funasr imports all its models, and they warn
        warnings.simplefilter("ignore")
        import funasr.models.bicif_paraformer.cif_predictor
        import funasr.models.paraformer.decoder
        import funasr.models.paraformer.model
        import funasr.models.sanm.encoder  # noqa: F401
