#include "worker/config_table.h"

#include "aws/core/limits.h"

/*
 * The only list of settings: a setting is a row. What the types can do is in config_value.c.
 */
#define AT(member) offsetof(struct config, member)
#define SECOND 1000
#define MINUTE (60 * SECOND)
#define KIB (1ll << 10)
#define GIB (1ll << 30)
#define TIB (1ll << 40)

static const char *const LEVELS[] = {"error", "warn", "info", "debug", NULL};
static const char *const FORMATS[] = {"text", "json", NULL};
static const char *const CONFINEMENTS[] = {"off", "prefer", "require", NULL};
static const char *const MODES[] = {"IPv4", "IPv6", NULL};

_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "choices are stored as unsigned");
_Static_assert(sizeof(enum log_format) == sizeof(unsigned), "choices are stored as unsigned");
_Static_assert(sizeof(enum unpack_confinement) == sizeof(unsigned),
	       "choices are stored as unsigned");

static const char WORK[] = "What to work on";
static const char MUCH[] = "How much at once";
static const char TIMES[] = "Times";
static const char PLACES[] = "Where things are kept";
static const char LOGS[] = "Logs, on standard error";
static const char STATUS[] = "Status endpoint: HTTP, for reading only";
static const char NOTIFY[] = "Notifications; nobody is told unless somebody is named here";
static const char AWS[] = "AWS; what is not set here is taken from the usual variables and files";
static const char ARTIFACTS[] = "Input artifacts: limits, and how they are unpacked";
static const char TESTS[] = "Tests";

const struct setting SETTINGS[] = {
	{.name = "action_types",
	 .group = WORK,
	 .type = SETTING_ACTION_TYPES,
	 .fallback = "Deploy/Rollout/1",
	 .help = "Custom action types to poll for: CATEGORY/PROVIDER/VERSION, followed by "
		 "?PROPERTY=VALUE for a queryable property, separated by commas."},

	{.name = "threads",
	 .group = MUCH,
	 .type = SETTING_INTEGER,
	 .offset = AT(threads),
	 .min = 1,
	 .max = 64,
	 .fallback = "8",
	 .help = "Rollouts that are worked on at the same moment."},
	{.name = "slots",
	 .group = MUCH,
	 .type = SETTING_INTEGER,
	 .offset = AT(slots),
	 .min = 1,
	 .max = 1000,
	 .fallback = "100",
	 .help = "Jobs held at once; one that waits takes no thread."},
	{.name = "unpacks",
	 .group = MUCH,
	 .type = SETTING_INTEGER,
	 .offset = AT(unpacks),
	 .min = 1,
	 .max = 64,
	 .fallback = "2",
	 .help = "Artifacts fetched and unpacked at once."},

	{.name = "hold",
	 .group = TIMES,
	 .type = SETTING_DURATION,
	 .offset = AT(hold_ms),
	 .min = 15 * SECOND,
	 .max = 10 * MINUTE,
	 .fallback = "60s",
	 .help = "How long a job is held before the rollout's state is handed back to "
		 "CodePipeline."},
	{.name = "tick",
	 .group = TIMES,
	 .type = SETTING_DURATION,
	 .offset = AT(tick_ms),
	 .min = SECOND,
	 .max = MINUTE,
	 .fallback = "10s",
	 .help = "How often target and guards are looked at; not longer than hold."},
	{.name = "poll",
	 .group = TIMES,
	 .type = SETTING_DURATION,
	 .offset = AT(poll_ms),
	 .min = SECOND,
	 .max = 5 * MINUTE,
	 .fallback = "15s",
	 .help = "Pause after a poll that brought nothing."},
	{.name = "stop",
	 .group = TIMES,
	 .type = SETTING_DURATION,
	 .offset = AT(stop_ms),
	 .min = SECOND,
	 .max = 10 * MINUTE,
	 .fallback = "30s",
	 .help = "Limit of a graceful stop; then calls are broken off."},

	{.name = "state_dir",
	 .group = PLACES,
	 .type = SETTING_PATH,
	 .offset = AT(state_dir),
	 .fallback = "/var/lib/rollout-worker",
	 .help = "Directory of the ledger; on a local disk, and one worker's alone."},
	{.name = "work_dir",
	 .group = PLACES,
	 .type = SETTING_PATH,
	 .offset = AT(work_dir),
	 .shown = "<state_dir>/work",
	 .help = "Directory that artifacts are unpacked in."},
	{.name = "reports",
	 .group = PLACES,
	 .type = SETTING_INTEGER,
	 .offset = AT(reports),
	 .min = 0,
	 .max = 10000,
	 .fallback = "200",
	 .help = "Rollouts that have ended whose history the ledger keeps, and whose reports are "
		 "in <state_dir>/reports; 0: none."},

	{.name = "log_level",
	 .group = LOGS,
	 .type = SETTING_CHOICE,
	 .offset = AT(log_level),
	 .choices = LEVELS,
	 .fallback = "info",
	 .help = "The least important events that are logged."},
	{.name = "log_format",
	 .group = LOGS,
	 .type = SETTING_CHOICE,
	 .offset = AT(log_format),
	 .choices = FORMATS,
	 .fallback = "text",
	 .help = "key=value, or one JSON object a line."},
	{.name = "log_systemd",
	 .group = LOGS,
	 .type = SETTING_BOOL,
	 .offset = AT(log_systemd),
	 .fallback = "false",
	 .help = "Lines for the journal: with a priority, without the time."},

	{.name = "status_address",
	 .group = STATUS,
	 .type = SETTING_ADDRESS,
	 .offset = AT(status_address),
	 .fallback = "off",
	 .help = "Where pages and metrics are shown: a port of this machine alone, as in 9180, or "
		 "ADDRESS:PORT. Nobody is asked who they are, so think before you name an address "
		 "that others reach."},
	{.name = "status_names",
	 .group = STATUS,
	 .type = SETTING_TEXT,
	 .offset = AT(status_names),
	 .help = "Host names that it is asked for by, separated by commas, besides localhost and "
		 "IP addresses; others are refused."},

	{.name = "notify_topic_arn",
	 .group = NOTIFY,
	 .type = SETTING_TOPIC,
	 .offset = AT(notify_topic_arn),
	 .help = "SNS topic that is told what becomes of rollouts; in any region. Needs "
		 "sns:Publish."},
	{.name = "notify_event_bus",
	 .group = NOTIFY,
	 .type = SETTING_BUS,
	 .offset = AT(notify_event_bus),
	 .help = "EventBridge bus that is told the same: default, another name, or an ARN. Needs "
		 "events:PutEvents."},
	{.name = "notify_on",
	 .group = NOTIFY,
	 .type = SETTING_NOTICES,
	 .offset = AT(notify_on),
	 .fallback = "all",
	 .help = "What they are told, separated by commas: started, waiting, step, promoted, "
		 "rolling_back, rolled_back, succeeded, failed, not_restored."},

	{.name = "profile",
	 .group = AWS,
	 .type = SETTING_TEXT,
	 .offset = AT(aws.profile),
	 .help = "Profile in the shared AWS files."},
	{.name = "region",
	 .group = AWS,
	 .type = SETTING_REGION,
	 .offset = AT(aws.region),
	 .help = "Region of the pipelines. When nothing says it, the instance is asked."},
	{.name = "endpoint_url",
	 .group = AWS,
	 .type = SETTING_URL,
	 .offset = AT(aws.endpoint_url),
	 .help = "Send every call there instead of to AWS."},
	{.name = "ca_bundle",
	 .group = AWS,
	 .type = SETTING_PATH,
	 .offset = AT(aws.ca_bundle),
	 .help = "PEM file with the authorities to trust, instead of the system's."},
	{.name = "imds_endpoint",
	 .group = AWS,
	 .type = SETTING_URL,
	 .offset = AT(aws.imds_endpoint),
	 .help = "Address of the instance metadata service."},
	{.name = "imds_endpoint_mode",
	 .group = AWS,
	 .type = SETTING_WORD,
	 .offset = AT(aws.imds_endpoint_mode),
	 .choices = MODES,
	 .help = "Which of its two addresses to use."},
	{.name = "s3_force_path_style",
	 .group = AWS,
	 .type = SETTING_BOOL,
	 .offset = AT(aws.s3_force_path_style),
	 .fallback = "false",
	 .help = "Put the name of a bucket into the path, never into the host."},

	{.name = "artifact_max_size",
	 .group = ARTIFACTS,
	 .type = SETTING_SIZE,
	 .offset = AT(artifact_max_bytes),
	 .min = KIB,
	 .max = TIB,
	 .fallback = "5GiB",
	 .help = "Largest artifact that is fetched."},
	{.name = "unpack_max_size",
	 .group = ARTIFACTS,
	 .type = SETTING_SIZE,
	 .offset = AT(unpack.max_bytes),
	 .min = KIB,
	 .max = TIB,
	 .fallback = "20GiB",
	 .help = "All files of it together, unpacked."},
	{.name = "unpack_max_file_size",
	 .group = ARTIFACTS,
	 .type = SETTING_SIZE,
	 .offset = AT(unpack.max_entry_bytes),
	 .min = KIB,
	 .max = TIB,
	 .fallback = "10GiB",
	 .help = "One file of it, unpacked."},
	{.name = "unpack_max_entries",
	 .group = ARTIFACTS,
	 .type = SETTING_INTEGER,
	 .offset = AT(unpack.max_entries),
	 .min = 1,
	 .max = 1000000,
	 .fallback = "200000",
	 .help = "Files and directories in it."},
	{.name = "unpack_max_depth",
	 .group = ARTIFACTS,
	 .type = SETTING_INTEGER,
	 .offset = AT(unpack.max_depth),
	 .min = 1,
	 .max = 256,
	 .fallback = "64",
	 .help = "Directories inside each other."},
	{.name = "unpack_confinement",
	 .group = ARTIFACTS,
	 .type = SETTING_CHOICE,
	 .offset = AT(unpack_confinement),
	 .choices = CONFINEMENTS,
	 .fallback = "prefer",
	 .help = "Unpack in a process of its own, without credentials, that the kernel lets do "
		 "nothing else (Landlock, seccomp). prefer: go on with a warning where a kernel "
		 "cannot do all of it; require: do not start there; off: unpack in the worker's "
		 "own process."},

	{.name = "test_clock",
	 .group = TESTS,
	 .type = SETTING_CLOCK,
	 .offset = AT(test_clock),
	 .help = "Let time run faster, as a simulator on this machine does: the moment at which "
		 "both clocks agree, in milliseconds since 1970, and the speed. Refused with any "
		 "endpoint that is not on this machine."},
};
const size_t N_SETTINGS = sizeof(SETTINGS) / sizeof(SETTINGS[0]);

_Static_assert(LIMIT_ARTIFACT_BYTES == 5 * GIB && LIMIT_UNPACKED_BYTES == 20 * GIB &&
		       LIMIT_UNPACKED_ENTRY_BYTES == 10 * GIB && LIMIT_UNPACKED_ENTRIES == 200000 &&
		       LIMIT_UNPACKED_DEPTH == 64,
	       "the defaults of the table are those of limits.h");

static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return *a == *b;
}

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < N_SETTINGS; i++)
		if (same_name(SETTINGS[i].name, name))
			return &SETTINGS[i];
	return NULL;
}
