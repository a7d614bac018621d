# bash completion of rollout-worker: commands, options and settings as its own help lists them, and
# ids of rollouts where the ledger can be read.

# The help, read once a shell.
_rollout_worker_help() {
	[ -n "${_rollout_worker_text-}" ] || _rollout_worker_text=$("$1" --help 2>/dev/null)
	printf '%s\n' "$_rollout_worker_text"
}

# "run", "report ID", ...
_rollout_worker_commands() {
	_rollout_worker_help "$1" | awk '/^[^ ]/ { on = /^Commands:/ } on && /^  [a-z]/ { print $1, $2 == "ID" ? $2 : "" }'
}

# "--once", "--plan FILE", "--log-level WORD (error, warn, info or debug", ...
_rollout_worker_options() {
	_rollout_worker_help "$1" | awk '
		/^  --/ { if (line != "") print line; line = $1; value = match($2, /^[A-Z]/) || $2 ~ /\|/
			line = line " " (value ? $2 : "-"); $1 = ""; if (value) $2 = "" }
		/^[^ ]/ { if (line != "") print line; line = "" }
		/^  / && line != "" { sub(/^ +/, ""); line = line " " $0 }
		END { if (line != "") print line }'
}

# Words that a setting may be: "... (error, warn, info or debug; default info)"
_rollout_worker_words() {
	_rollout_worker_options "$1" | sed -n "s/^$2 WORD .*(\([^()]*\)).*/\1/p" | sed 's/;.*//; s/ or /, /g; s/, */ /g'
}

_rollout_worker() {
	local program=$1 cur=$2 prev=$3 word command='' kind id=no
	local -a commands
	COMPREPLY=()
	# readline makes words of --name=value
	if [ "$cur" = = ]; then cur=''; fi
	if [ "$prev" = = ]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi
	case $prev in
	--*)
		kind=$(_rollout_worker_options "$program" | awk -v name="$prev" '$1 == name { print $2; exit }')
		case $kind in
		FILE | PATH)
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		WORD)
			mapfile -t COMPREPLY < <(compgen -W "$(_rollout_worker_words "$program" "$prev")" -- "$cur")
			return
			;;
		'true|false')
			mapfile -t COMPREPLY < <(compgen -W 'true false' -- "$cur")
			return
			;;
		NAME=VALUE)
			compopt -o nospace 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -W 'Target= Strategy= Alarms= Plan= Mode= Handle= RoleArn= Overrides= MaxDuration= Pool=' -- "$cur")
			return
			;;
		- | '') ;;
		*) return ;; # a number, a time: nothing to offer
		esac
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_rollout_worker_options "$program" | awk '{ print $1 }')" -- "$cur")
		return
	fi
	mapfile -t commands < <(_rollout_worker_commands "$program")
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		for kind in "${commands[@]}"; do
			if [ "$word" = "${kind%% *}" ]; then
				command=$word
				if [ "$kind" = "$word ID" ]; then id=yes; fi
			fi
		done
	done
	if [ -z "$command" ]; then
		mapfile -t COMPREPLY < <(compgen -W "${commands[*]% *}" -- "$cur")
	elif [ "$id" = yes ]; then
		kind=''
		if [ "$command" = report ]; then kind=--all; fi
		# shellcheck disable=SC2086
		mapfile -t COMPREPLY < <(compgen -W "$("$program" status --json $kind 2>/dev/null |
			grep -o '"rollout":"r-[^"]*"' | sed 's/.*"\(r-[^"]*\)"/\1/')" -- "$cur")
	fi
}
complete -F _rollout_worker rollout-worker
