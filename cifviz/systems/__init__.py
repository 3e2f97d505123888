"""Recognisers around CIF: an encoder, a CIF, a decoder, composed; and how they were trained."""
