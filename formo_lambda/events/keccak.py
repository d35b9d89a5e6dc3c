"""Compute Keccak-256, the hash Ethereum uses and hashlib lacks (its SHA3-256 pads differently).

The permutation is written out lane by lane: with loops over lists, an address that is not cached takes 0.26 ms instead
of 0.16. Lane `a<i>` is the 64-bit word at x = i % 5, y = i // 5 of the Keccak reference.
"""

from __future__ import annotations

from struct import pack, unpack_from

#: Bytes absorbed by one permutation: 1600 bits of state less twice the 256 bits of the digest.
_RATE = 136

# Lines of four here, of five below.
# fmt: off
_ROUND_CONSTANTS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)
# fmt: on


def keccak_256(data: bytes) -> bytes:
    """Return the 32 bytes of the Keccak-256 digest of `data`."""
    padded = bytearray(data + bytes(_RATE - len(data) % _RATE))
    padded[len(data)] |= 0x01
    padded[-1] |= 0x80
    state: tuple[int, ...] = (0,) * 25
    for start in range(0, len(padded), _RATE):
        block = unpack_from("<17Q", padded, start)
        state = _permuted((*(lane ^ word for lane, word in zip(state, block, strict=False)), *state[17:]))
    return pack("<4Q", *state[:4])


def _permuted(state: tuple[int, ...]) -> tuple[int, ...]:  # noqa: PLR0915 -- 25 lanes, each written out
    """Return the state after the 24 rounds of Keccak-f[1600]."""
    mask = 0xFFFFFFFFFFFFFFFF
    # fmt: off
    (
        a0, a1, a2, a3, a4,
        a5, a6, a7, a8, a9,
        a10, a11, a12, a13, a14,
        a15, a16, a17, a18, a19,
        a20, a21, a22, a23, a24,
    ) = state
    # fmt: on
    for constant in _ROUND_CONSTANTS:
        # theta: add the parity of two columns to each lane.
        c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20
        c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21
        c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22
        c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23
        c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24
        d0 = c4 ^ ((c1 << 1 | c1 >> 63) & mask)
        d1 = c0 ^ ((c2 << 1 | c2 >> 63) & mask)
        d2 = c1 ^ ((c3 << 1 | c3 >> 63) & mask)
        d3 = c2 ^ ((c4 << 1 | c4 >> 63) & mask)
        d4 = c3 ^ ((c0 << 1 | c0 >> 63) & mask)
        # rho and pi: rotate each lane, and move it to a new position.
        b0 = a0 ^ d0
        b1 = ((lane := a6 ^ d1) << 44 | lane >> 20) & mask
        b2 = ((lane := a12 ^ d2) << 43 | lane >> 21) & mask
        b3 = ((lane := a18 ^ d3) << 21 | lane >> 43) & mask
        b4 = ((lane := a24 ^ d4) << 14 | lane >> 50) & mask
        b5 = ((lane := a3 ^ d3) << 28 | lane >> 36) & mask
        b6 = ((lane := a9 ^ d4) << 20 | lane >> 44) & mask
        b7 = ((lane := a10 ^ d0) << 3 | lane >> 61) & mask
        b8 = ((lane := a16 ^ d1) << 45 | lane >> 19) & mask
        b9 = ((lane := a22 ^ d2) << 61 | lane >> 3) & mask
        b10 = ((lane := a1 ^ d1) << 1 | lane >> 63) & mask
        b11 = ((lane := a7 ^ d2) << 6 | lane >> 58) & mask
        b12 = ((lane := a13 ^ d3) << 25 | lane >> 39) & mask
        b13 = ((lane := a19 ^ d4) << 8 | lane >> 56) & mask
        b14 = ((lane := a20 ^ d0) << 18 | lane >> 46) & mask
        b15 = ((lane := a4 ^ d4) << 27 | lane >> 37) & mask
        b16 = ((lane := a5 ^ d0) << 36 | lane >> 28) & mask
        b17 = ((lane := a11 ^ d1) << 10 | lane >> 54) & mask
        b18 = ((lane := a17 ^ d2) << 15 | lane >> 49) & mask
        b19 = ((lane := a23 ^ d3) << 56 | lane >> 8) & mask
        b20 = ((lane := a2 ^ d2) << 62 | lane >> 2) & mask
        b21 = ((lane := a8 ^ d3) << 55 | lane >> 9) & mask
        b22 = ((lane := a14 ^ d4) << 39 | lane >> 25) & mask
        b23 = ((lane := a15 ^ d0) << 41 | lane >> 23) & mask
        b24 = ((lane := a21 ^ d1) << 2 | lane >> 62) & mask
        # chi: combine the lanes of each row; `d ^ c & d` is `~c & d` without negative numbers. iota: add the constant.
        a0 = b0 ^ b2 ^ b1 & b2 ^ constant
        a1 = b1 ^ b3 ^ b2 & b3
        a2 = b2 ^ b4 ^ b3 & b4
        a3 = b3 ^ b0 ^ b4 & b0
        a4 = b4 ^ b1 ^ b0 & b1
        a5 = b5 ^ b7 ^ b6 & b7
        a6 = b6 ^ b8 ^ b7 & b8
        a7 = b7 ^ b9 ^ b8 & b9
        a8 = b8 ^ b5 ^ b9 & b5
        a9 = b9 ^ b6 ^ b5 & b6
        a10 = b10 ^ b12 ^ b11 & b12
        a11 = b11 ^ b13 ^ b12 & b13
        a12 = b12 ^ b14 ^ b13 & b14
        a13 = b13 ^ b10 ^ b14 & b10
        a14 = b14 ^ b11 ^ b10 & b11
        a15 = b15 ^ b17 ^ b16 & b17
        a16 = b16 ^ b18 ^ b17 & b18
        a17 = b17 ^ b19 ^ b18 & b19
        a18 = b18 ^ b15 ^ b19 & b15
        a19 = b19 ^ b16 ^ b15 & b16
        a20 = b20 ^ b22 ^ b21 & b22
        a21 = b21 ^ b23 ^ b22 & b23
        a22 = b22 ^ b24 ^ b23 & b24
        a23 = b23 ^ b20 ^ b24 & b20
        a24 = b24 ^ b21 ^ b20 & b21
    # fmt: off
    return (
        a0, a1, a2, a3, a4,
        a5, a6, a7, a8, a9,
        a10, a11, a12, a13, a14,
        a15, a16, a17, a18, a19,
        a20, a21, a22, a23, a24,
    )
    # fmt: on
