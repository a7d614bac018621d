"""Run programs and say what they cost; medians, ranges and ratios."""

import math
import statistics
import subprocess


class Cost:
	"""What a pipeline took: seconds, and the peak RSS of its largest process."""

	def __init__(self, wall, user, system, rss_kib):
		self.wall, self.user, self.system, self.rss_kib = wall, user, system, rss_kib
		self.cpu = user + system


def output(command):
	"""What a command prints; its complaints go where ours go."""
	return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def cost(program, commands):
	"""Run commands as a pipeline under bench_cost."""
	joined = [program]
	for i, command in enumerate(commands):
		joined += (["/"] if i else []) + command
	done = subprocess.run(
		joined, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
	)
	last = done.stderr.splitlines()[-1] if done.stderr else ""
	if done.returncode or not last.startswith("cost: "):
		raise RuntimeError(f"{' '.join(joined)}: status {done.returncode}: {done.stderr}")
	return Cost(*map(float, last.split()[1:]))


def median(values):
	return statistics.median(values)


def number(v):
	a = abs(v)
	return f"{v:,.0f}" if a >= 1000 else f"{v:.0f}" if a >= 100 else f"{v:.3g}"


def spread(values):
	"""'median (min..max)'"""
	return f"{number(median(values))} ({number(min(values))}..{number(max(values))})"


def percentile(values, p):
	"""The nearest rank: p percent of the values are not larger."""
	return sorted(values)[max(0, math.ceil(len(values) * p / 100) - 1)]


def ratios(ours, theirs):
	"""Of each round's pair."""
	return [a / b for a, b in zip(ours, theirs)]
