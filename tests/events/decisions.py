"""What this SDK does where the official one has a quirk: the recorded cases whose verdict is `decide`."""

from __future__ import annotations

from typing import Any

#: Refused by the official SDK too, for the same field and reason.
REFUSED_ALIKE = {
    "address/identify_bitcoin_like",
    "address/identify_bytes20",
    "address/identify_empty_string",
    "address/identify_no_prefix",
    "address/identify_upper_0X_prefix_upper_hex",
    "address/track_bitcoin_like",
    "address/track_empty_string",
    "address/track_no_prefix",
    "address/track_upper_0X_prefix_upper_hex",
}

#: Sent by the official SDK too, with the same content.
SENT_ALIKE = {
    "address/identify_inverted_case",
    "address/identify_wrong_checksum_one_letter",
    "address/track_inverted_case",
    "address/track_wrong_checksum_one_letter",
    "anonymous_id/identify_empty_string",
    "context/identify_library_name",
    "context/identify_library_name_null",
    "context/track_library_name",
    "context/track_library_name_empty",
    "context/track_library_name_number",
    "currency/with_revenue_null",
    "event/lone_high_surrogate",
    "event/lone_low_surrogate",
    "event/space",
    "nested/identify_nan_value",
    "nested/track_date_nested",
    "points/max_safe_plus_2",
    "points/str_bom",
    "points/str_wei_20_digits",
    "revenue/max_safe_plus_2",
    "revenue/str_bom",
    "revenue/str_wei_20_digits",
    "unicode/lone_surrogate_key",
    "unicode/lone_surrogate_value",
    "volume/str_bom",
}

_CHECKSUMMED = {"address": "0xAb5801a7D398351b8bE11C439e05C5B3259aeC9B"}
_SOLANA = {"address": "FDKJvWcJNe6wecbgDYDFPCfgs14aJnVsUfWQRYWLn4Tn"}

#: Sent, with these fields; the others are as in the simplest event of its type.
SENT: dict[str, dict[str, Any]] = {
    "address/identify_leading_space": _CHECKSUMMED,
    "address/identify_trailing_space": _CHECKSUMMED,
    "address/track_leading_space": _CHECKSUMMED,
    "address/track_trailing_nbsp": _CHECKSUMMED,
    "address/track_trailing_newline": _CHECKSUMMED,
    "address/track_trailing_space": _CHECKSUMMED,
    "address/identify_solana_address": _SOLANA,
    "address/track_solana_address": _SOLANA,
    # None is left out, and without a revenue a currency is the caller's own.
    "currency/revenue_null_currency_EUR": {"properties": {"currency": "EUR"}},
    "points/null": {"properties": {}},
    "revenue/null": {"properties": {}},
    "volume/null": {"properties": {}},
    # A Python int is what it is; one that JavaScript would round goes out as digits.
    "nested/identify_bigint_value": {"properties": {"wei": 5}},
    "nested/track_bigint_value": {"properties": {"wei": 5}},
    "nested/track_big_int_lossy": {"properties": {"a": "12345678901234567890"}},
    # Arguments that the official SDK ignores.
    "unknown_args/session_id_ignored": {"session_id": "s"},
    "unknown_args/snake_case_user_id": {"user_id": "u"},
    "unknown_args/track_snake_anonymous_id": {"anonymous_id": "f47ac10b-58cc-4372-a567-0e02b2c3d479", "event": "X"},
}

#: Sent in another way, though the official SDK has no quirk: amounts are checked in the properties of every event.
SENT_OTHERWISE = {"reserved/identify_does_not_normalise": {"revenue": 5, "currency": "usd", "points": 7}}

#: Refused, for this field, where the official SDK sends or breaks.
REFUSED = {
    "address/identify_solana_system_program": "address",
    "anonymous_id/track_false": "anonymous_id",
    "currency/revenue_abc_currency_absent": "properties.revenue",
    "currency/with_revenue_number": "properties.currency",
    "currency/with_revenue_object": "properties.currency",
    "currency/with_revenue_true": "properties.currency",
    "nested/identify_circular": "properties.c.self",
    "nested/track_circular": "properties.c.self",
    "nested/track_deep_500": "properties" + ".d" * 8 + "..." + ".d" * 3,
    **{
        f"{name}/{case}": f"properties.{name}"
        for name, cases in {
            "points": (
                "array_empty array_one false nan neg_infinity str_abc str_binary str_comma_thousands str_currency "
                "str_hex_negative str_nel str_overflow str_space true"
            ),
            "revenue": (
                "false infinity nan negative str_arabic_digits str_bigint_suffix str_comma_thousands str_empty str_fs "
                "str_fullwidth str_hex str_hex_negative str_inf_py str_infinity str_minus str_nan_py str_nel str_null "
                "str_overflow str_percent str_space str_true str_two_signs true"
            ),
            "volume": (
                "array_empty false infinity object_empty str_abc str_arabic_digits str_comma_thousands str_dot_only "
                "str_hex_negative str_inf_py str_infinity str_overflow str_space str_underscore true"
            ),
        }.items()
        for case in cases.split()
    },
}

#: Wrong calls, which raise TypeError at the call: unknown argument names, positional values.
WRONG_CALLS = {
    "args_type/identify_array",
    "args_type/identify_string",
    "args_type/identify_undefined",
    "args_type/track_null",
    "args_type/track_number",
    "args_type/track_undefined",
    "unknown_args/extra_key",
    "unknown_args/message_id_ignored",
}
