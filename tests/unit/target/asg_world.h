#ifndef TESTS_UNIT_TARGET_ASG_WORLD_H
#define TESTS_UNIT_TARGET_ASG_WORLD_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/remove.h"
#include "tests/unit/target/lb_world.h"
#include "worker/target/auto_scaling.h"

/*
 * A shop: group "blue" of four instances behind target group blue, and what Auto Scaling, EC2 and
 * Systems Manager say about it. Its copy in rollout "r-1" is COPY, its twin "green".
 */
#define COPY "blue-a5fa777a3d"
#define TEMPLATE_ID "lt-0a1b2c3d"

static inline const char *plain(struct world *w, const char *operation)
{
	return arena_printf(w->f->arena, "<%sResponse/>", operation);
}

/* This write works: its answer says nothing. */
static inline void works(struct world *w, const char *operation)
{
	route(w, "POST", arena_printf(w->f->arena, "Action=%s&", operation), 200,
	      plain(w, operation));
}

static inline void list_is(struct world *w, const char *operation, const char *list)
{
	route(w, "POST", arena_printf(w->f->arena, "Action=%s&", operation), 200,
	      answer(w, operation, list));
}

static inline void refuses(struct world *w, const char *operation, int status, const char *code)
{
	once(w, "POST", arena_printf(w->f->arena, "Action=%s&", operation), status,
	     arena_printf(w->f->arena,
			  "<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error>"
			  "<RequestId>q</RequestId></ErrorResponse>",
			  code));
}

/* A group as it is described. */
struct a_group {
	const char *name;
	int min, max, desired;
	const char *version;	  /* of the launch template; NULL: 7 */
	const char *instances;	  /* "InService InService Pending"; NULL: none */
	const char *running;	  /* version its instances run; NULL: version */
	const char *target_group; /* short name; NULL: that of the group; "": none */
	const char *health;	  /* check type; NULL: EC2 */
	const char *suspended;	  /* "AZRebalance Launch" */
	const char *tags;	  /* "key=value key=value" */
	bool protected_;	  /* its instances, from scale-in */
	const char *more;	  /* other members */
};

static inline void add_instances(struct buf *b, const struct a_group *g)
{
	struct str rest = str_from(g->instances), state;
	const char *version = g->running ? g->running : g->version ? g->version : "7";
	int i = 0;

	buf_adds(b, "<Instances>");
	while (str_next(&rest, ' ', &state))
		buf_addf(
			b,
			"<member><InstanceId>i-%d</InstanceId><LifecycleState>" STR_FMT
			"</LifecycleState><HealthStatus>Healthy</HealthStatus><LaunchTemplate>"
			"<LaunchTemplateId>" TEMPLATE_ID "</LaunchTemplateId><Version>%s</Version>"
			"</LaunchTemplate><ProtectedFromScaleIn>%s</ProtectedFromScaleIn></member>",
			i++, STR_ARG(state), version, g->protected_ ? "true" : "false");
	buf_adds(b, "</Instances>");
}

static inline void add_words(struct buf *b, const char *list, const char *words, const char *tag)
{
	struct str rest = str_from(words), word;

	buf_addf(b, "<%s>", list);
	while (str_next(&rest, ' ', &word))
		buf_addf(b, "<member><%s>" STR_FMT "</%s></member>", tag, STR_ARG(word), tag);
	buf_addf(b, "</%s>", list);
}

static inline void add_tags(struct buf *b, const char *tags)
{
	struct str rest = str_from(tags), tag, key;

	buf_adds(b, "<Tags>");
	while (str_next(&rest, ' ', &tag)) {
		str_next(&tag, '=', &key);
		buf_addf(b, "<member><Key>" STR_FMT "</Key><Value>" STR_FMT "</Value></member>",
			 STR_ARG(key), STR_ARG(tag));
	}
	buf_adds(b, "</Tags>");
}

static inline const char *group_xml(struct world *w, const struct a_group *g)
{
	const char *tg = g->target_group ? g->target_group : g->name;
	const char *text;
	struct buf b;

	buf_init(&b, 1u << 20);
	buf_addf(&b,
		 "<member><AutoScalingGroupName>%s</AutoScalingGroupName><MinSize>%d</MinSize>"
		 "<MaxSize>%d</MaxSize><DesiredCapacity>%d</DesiredCapacity><HealthCheckType>%s"
		 "</HealthCheckType>",
		 g->name, g->min, g->max, g->desired, g->health ? g->health : "EC2");
	if (!g->version || *g->version)
		buf_addf(&b,
			 "<LaunchTemplate><LaunchTemplateId>" TEMPLATE_ID
			 "</LaunchTemplateId><LaunchTemplateName>shop</"
			 "LaunchTemplateName><Version>%s"
			 "</Version></LaunchTemplate>",
			 g->version ? g->version : "7");
	if (*tg)
		buf_addf(&b, "<TargetGroupARNs><member>" GROUP("%s") "</member></TargetGroupARNs>",
			 tg);
	add_instances(&b, g);
	add_words(&b, "SuspendedProcesses", g->suspended, "ProcessName");
	add_tags(&b, g->tags);
	buf_adds(&b, g->more ? g->more : "");
	buf_adds(&b, "</member>");
	text = arena_strdup(w->f->arena, b.p);
	buf_release(&b);
	return text;
}

#define IN4 "InService InService InService InService"
#define OURS AS_TAG_GROUP "=blue " AS_TAG_ROLLOUT "=r-1"
#define HELD "AZRebalance AlarmNotification ScheduledActions"

/* The live group as it always is: 2 to 8, 4 wanted, 4 there. */
static inline struct a_group blue(void)
{
	return (struct a_group){.name = "blue",
				.min = 2,
				.max = 8,
				.desired = 4,
				.instances = IN4,
				.health = "ELB"};
}

/* The copy, of version 8, held still. */
static inline struct a_group copy(int desired, const char *instances)
{
	return (struct a_group){.name = COPY,
				.max = 8,
				.desired = desired,
				.version = "8",
				.instances = instances,
				.target_group = "green",
				.suspended = HELD,
				.tags = OURS};
}

/* These groups there are from now on; NULL for one less. */
static inline void groups_are(struct world *w, const struct a_group *a, const struct a_group *b)
{
	list_is(w, "DescribeAutoScalingGroups",
		arena_printf(w->f->arena, "<AutoScalingGroups>%s%s</AutoScalingGroups>",
			     a ? group_xml(w, a) : "", b ? group_xml(w, b) : ""));
}

/* Nothing belongs to a group but itself. */
static inline void no_parts(struct world *w)
{
	list_is(w, "DescribePolicies", "<ScalingPolicies/>");
	list_is(w, "DescribeScheduledActions", "<ScheduledUpdateGroupActions/>");
	list_is(w, "DescribeNotificationConfigurations", "<NotificationConfigurations/>");
	list_is(w, "DescribeLifecycleHooks", "<LifecycleHooks/>");
	list_is(w, "DescribeInstanceRefreshes", "<InstanceRefreshes/>");
	list_is(w, "DescribeScalingActivities", "<Activities/>");
}

static inline void all_works(struct world *w)
{
	static const char *const writes[] = {"CreateAutoScalingGroup", "UpdateAutoScalingGroup",
					     "DeleteAutoScalingGroup", "SuspendProcesses",
					     "ResumeProcesses",	       "AttachTrafficSources",
					     "PutScalingPolicy",       "EnableMetricsCollection"};

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		works(w, writes[i]);
	modify_works(w);
}

/* The record of a rollout from blue by a copy; change it and store it again for others. */
static inline struct as_record a_record(void)
{
	struct as_record r = {
		.lb = {.resource = RULE,
		       .baseline = GROUP("blue"),
		       .candidate = GROUP("green"),
		       .groups = {{.arn = GROUP("blue"), .weight = 100, .has_weight = true},
				  {.arn = GROUP("green"), .weight = 0, .has_weight = true}},
		       .n_groups = 2},
		.live = "blue",
		.base = "blue",
		.size = {2, 8, 4},
		.template_id = TEMPLATE_ID,
		.template_version = 7};

	return r;
}

static inline void is_recorded(struct world *w, const struct as_record *r)
{
	if (as_record_store(r, w->state.undo, &w->err))
		fail_msg("%s", w->err.text);
}

static inline void candidate_is(struct world *w, int64_t version, int64_t healthy_s, int64_t sent_s)
{
	struct as_candidate c = {
		.version = version, .healthy_since = {healthy_s * 1000}, .sent = {sent_s * 1000}};

	if (as_candidate_store(&c, COPY, w->state.candidate, &w->err))
		fail_msg("%s", w->err.text);
}

/* --- the artifact ---------------------------------------------------------------------------- */

static inline int asg_artifact(void *arg, const struct target_artifact **out, struct err *err)
{
	struct world *w = arg;

	if (!w->artifact.bucket)
		return err_set(err, ERR_NOT_FOUND, "the artifact is gone");
	*out = &w->artifact;
	return 0;
}

static inline void put_file(struct world *w, const char *name, struct str bytes)
{
	int fd = openat(w->artifact.dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.n), bytes.n);
	close(fd);
}

static inline void put_text(struct world *w, const char *name, const char *text)
{
	put_file(w, name, str_from(text));
}

#define IMAGE "ami-0123456789abcdef0"

static inline void make_artifact(struct world *w)
{
	str_copy(w->dir, sizeof(w->dir), STR("/tmp/rollout-asg-XXXXXX"));
	assert_non_null(mkdtemp(w->dir));
	w->artifact = (struct target_artifact){.dir_fd = open(w->dir, O_DIRECTORY | O_CLOEXEC),
					       .file_fd = -1,
					       .bucket = "artifacts",
					       .key = "shop/Source/AbC123",
					       .version_id = "v1",
					       .sha256 = "00ff"};
	assert_true(w->artifact.dir_fd >= 0);
	w->env.artifact = asg_artifact;
	w->env.artifact_arg = w;
	put_text(w, "image.json", "{\"ImageId\":\"" IMAGE "\"}");
}

static inline int asg_world_tear_down(void **state)
{
	struct world *w = *state;

	w->err = ERR_INIT;
	assert_int_equal(remove_content(w->artifact.dir_fd, &w->err), 0);
	assert_int_equal(rmdir(w->dir), 0);
	close(w->artifact.dir_fd);
	return world_tear_down(state);
}

static inline int asg_world_set_up(void **state)
{
	struct as_record r = a_record();
	struct world *w;

	lb_world_set_up(state);
	w = *state;
	w->plan.target.kind = TARGET_AUTO_SCALING;
	w->plan.target.auto_scaling = (struct plan_auto_scaling){.group = "blue",
								 .install = ASG_INSTALL_IMAGE,
								 .install_path = "image.json",
								 .install_timeout_ms = 600000,
								 .headroom = 1,
								 .stable_ms = 30000,
								 .retire = ASG_RETIRE_DELETE};
	w->state.started = w->f->now;
	make_artifact(w);
	is_recorded(w, &r);
	candidate_is(w, 8, 0, 0);
	return 0;
}

/* One whole look: these groups, these weights, these targets of the candidate. */
static inline struct target_observation look_at(struct world *w, enum phase phase,
						const struct a_group *live,
						const struct a_group *candidate,
						const char *weights, const char *states)
{
	struct target_observation o;

	forget_routes(w);
	no_parts(w);
	groups_are(w, live, candidate);
	rule_is(w, weights);
	health_is(w, GROUP_URI("blue"), "healthy healthy healthy healthy");
	health_is(w, GROUP_URI("green"), states);
	w->state.phase = phase;
	w->err = ERR_INIT;
	if (target_auto_scaling.observe(&w->env, &w->state, &o, &w->err))
		fail_msg("%s", w->err.text);
	return o;
}

/* Everything works; the candidate's group is this, or NULL; two of its targets are healthy. */
static inline void set_scene(struct world *w, const struct a_group *candidate, const char *weights)
{
	struct a_group live = blue();

	forget_routes(w);
	no_parts(w);
	all_works(w);
	groups_are(w, &live, candidate);
	rule_is(w, weights);
	health_is(w, GROUP_URI("blue"), "healthy");
	health_is(w, GROUP_URI("green"), "healthy healthy");
}

#define T(name) cmocka_unit_test_setup_teardown(name, asg_world_set_up, asg_world_tear_down)

#endif
