# What the contract tests share; sourced, never run. Needs BUILD.
#
# A client written in Python prints "ok ..." and "not ok ..." lines, as the shell does, into a
# record that finish() counts. What cannot run on this machine is one "skipped: ..." line.
# shellcheck shell=sh
set -u
: "${BUILD:?}"
dir=$(mktemp -d /tmp/contract.XXXXXX)
record=$dir/record
: >"$record"
pids=

cleanup() {
	for p in $pids; do
		kill "$p" 2>/dev/null
		wait "$p" 2>/dev/null
	done
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# Nothing of the user's own AWS configuration may reach a test.
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE \
	AWS_CA_BUNDLE AWS_USE_FIPS_ENDPOINT AWS_USE_DUALSTACK_ENDPOINT AWS_ENDPOINT_URL \
	AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI \
	AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_DEFAULTS_MODE AWS_RETRY_MODE AWS_MAX_ATTEMPTS
for v in $(env | sed -n 's/^\(AWS_ENDPOINT_URL_[A-Z0-9_]*\)=.*/\1/p'); do
	unset "$v"
done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_PAGER=
export AWS_EC2_METADATA_DISABLED=true AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1
export AWS_ACCESS_KEY_ID=AKIASIMWORKER000001 AWS_SECRET_ACCESS_KEY=sim-secret
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 PYTHONDONTWRITEBYTECODE=1

say() {
	echo "$*" | tee -a "$record"
}

# run NAME COMMAND... : its ok lines are counted; ending badly is a failure of its own
run() {
	name=$1
	shift
	: >"$dir/status"
	{
		"$@" 2>&1
		echo $? >"$dir/status"
	} | tee -a "$record"
	status=$(cat "$dir/status")
	[ "$status" = 0 ] || say "not ok $name: ended with status $status"
}

finish() {
	passed=$(grep -c '^ok ' "$record")
	failed=$(grep -c '^not ok ' "$record")
	skipped=$(grep -c '^skipped:' "$record")
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ] && [ $((passed + skipped)) -gt 0 ]
	exit
}

# wait_for PID TEST... : until the test holds; 1 when the process ends or 30 s have passed
wait_for() {
	waited=$1
	shift
	tries=0
	until "$@" 2>/dev/null; do
		kill -0 "$waited" 2>/dev/null || return 1
		tries=$((tries + 1))
		[ "$tries" -lt 600 ] || return 1
		sleep 0.05
	done
}

# find_python MODULES PACKAGE... : a Python that has the modules, in $python. One given in PYTHON,
# the environment's, or one of our own under build/, where the packages are installed unless
# CONTRACT_INSTALL is 0. Returns 1 when there is none.
find_python() {
	modules=$1
	shift
	venv=build/venv
	for python in ${PYTHON:-} python3 /usr/bin/python3 "$venv/bin/python"; do
		"$python" -c "import $modules" >/dev/null 2>&1 && return 0
	done
	[ "${CONTRACT_INSTALL:-1}" != 0 ] || return 1
	mkdir -p build
	( # one test at a time: they run beside each other
		flock 9
		[ -x "$venv/bin/pip" ] || timeout 60 python3 -m venv "$venv" >"$dir/venv" 2>&1 || exit 1
		"$venv/bin/python" -c "import $modules" >/dev/null 2>&1 ||
			timeout 240 "$venv/bin/pip" install -q "$@" >"$dir/pip" 2>&1
	) 9>build/venv.lock || return 1
	python=$venv/bin/python
	"$python" -c "import $modules" >/dev/null 2>&1
}
