"""Write plain JSON values as compact ASCII."""

from __future__ import annotations

from json import JSONEncoder
from json.encoder import encode_basestring_ascii

__all__ = ["encode_text", "encode_value"]

#: Write a string, quotes included.
encode_text = encode_basestring_ascii

#: Write a value made of dict, list, str, int, finite float, bool and None, without cycles.
encode_value = JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":")).encode
