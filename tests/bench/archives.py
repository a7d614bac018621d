"""The archives that are unpacked: made from a seed, the same everywhere."""

import random
import struct
import zipfile
import zlib


def words(seed):
	"""Endless text that deflate shrinks to about a third, as it does source code."""
	rng = random.Random(seed)
	vocabulary = [
		"".join(rng.choices("etaoinshrdlucmfwypvbgkjqxz_", k=rng.randint(2, 11)))
		for _ in range(2500)
	]
	weights = [1 / (i + 2) for i in range(len(vocabulary))]
	while True:
		line = rng.choices(vocabulary, weights, k=4000)
		for i in range(0, len(line), 8):
			yield "\t" * rng.randint(0, 3) + " ".join(line[i : i + 8]) + ";\n"


def text(seed, size):
	parts, n = [], 0
	for line in words(seed):
		parts.append(line)
		n += len(line)
		if n >= size:
			return "".join(parts)[:size].encode()


def many(path, files=10000, total=60_000_000):
	"""A tree such as a Node or Python application has: most files small, a few large."""
	rng = random.Random(2)
	pool = text(3, 4_000_000)
	sizes = [rng.lognormvariate(0, 1.3) for _ in range(files)]
	scale = total / sum(sizes)
	with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as z:
		for i, size in enumerate(sizes):
			n = min(int(size * scale) + 1, len(pool) // 2)
			at = rng.randrange(len(pool) - n)
			z.writestr(f"app/lib{i // 40:03}/src/module{i:05}.js", pool[at : at + n])


def large(path, total=500_000_000, piece=10_000_000):
	"""One entry. The same piece is compressed once and repeated, or making it would take longer
	than measuring it; between pieces the compressor's window is empty."""
	data = text(4, piece)
	deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
	packed = deflate.compress(data) + deflate.flush(zlib.Z_FULL_FLUSH)
	n, crc = total // piece, 0
	for _ in range(n):
		crc = zlib.crc32(data, crc)
	end = b"\x03\x00"  # an empty last block
	name, size, packed_size = b"app/model.txt", n * piece, n * len(packed) + len(end)
	common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x5C21, crc, packed_size, size, len(name), 0)
	with open(path, "wb") as f:
		f.write(b"PK\x03\x04" + common + name)
		for _ in range(n):
			f.write(packed)
		f.write(end)
		at = f.tell()
		directory = (
			b"PK\x01\x02" + struct.pack("<H", 0x0314) + common
			+ struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, 0) + name
		)
		f.write(directory)
		f.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), at, 0))
