# Put the settings of the example configuration (first file) where a manual page (second file) says
# @SETTINGS@: a subsection for each group, an item for each setting. The example is made of the table
# of settings, so there is no other list to keep.
#
#   awk -f worker/man/settings.awk worker/rollout-worker.conf.example worker/man/rollout-worker.conf.5.in

# A text line of mdoc: sentences begin on a line of their own, no line begins with a control character.
function prose(text) {
	gsub(/\\/, "\\e", text)
	gsub(/<state_dir>/, "state_dir", text)
	while (match(text, /[.:] \(?[A-Z]/)) {
		print guard(substr(text, 1, RSTART))
		text = substr(text, RSTART + 2)
	}
	print guard(text)
}

function guard(text) {
	return text ~ /^[.']/ ? "\\&" text : text
}

# "... (1 to 64; default 8)" ends a help: what it may be becomes a line of its own.
function item(name, help,   range) {
	print ".It Ic " name
	range = ""
	if (match(help, / \([^()]*\)$/)) {
		range = substr(help, RSTART + 2, RLENGTH - 3)
		help = substr(help, 1, RSTART - 1)
	}
	prose(help)
	if (sub(/^default /, "Default: ", range) || sub(/^/, "Values: ", range))
		if (range != "Values: ")
			prose(range ".")
}

FNR == NR && /^# --- Action types/ { done = 1 }
FNR == NR && done { next }
FNR == NR && /^# --- / {
	groups[++n] = substr($0, 7)
	help = ""
	next
}
FNR == NR && /^#[a-z_0-9]+ =/ {
	name = substr($1, 2)
	names[n, ++count[n]] = name
	helps[n, count[n]] = help
	help = ""
	next
}
FNR == NR && /^# / {
	help = help (help == "" ? "" : " ") substr($0, 3)
	next
}
FNR == NR { help = ""; next }

$0 == "@SETTINGS@" {
	for (g = 1; g <= n; g++) {
		print ".Ss " groups[g]
		print ".Bl -tag -width Ds"
		for (i = 1; i <= count[g]; i++)
			item(names[g, i], helps[g, i])
		print ".El"
	}
	next
}
{ print }
