#ifndef TESTS_UNIT_TARGET_ECS_WORLD_H
#define TESTS_UNIT_TARGET_ECS_WORLD_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/remove.h"
#include "tests/unit/target/lb_world.h"
#include "worker/target/ecs.h"

/*
 * The service "web" of the cluster "prod" and what ECS says about it. Requests go to one URL; their
 * bodies tell them apart, by these words.
 */
#define ECS "arn:aws:ecs:eu-central-1:111122223333:"
#define TD(name) ECS "task-definition/" name
#define DEPLOYMENT(id) ECS "service-deployment/prod/web/" id
#define REVISION(id) ECS "service-revision/prod/web/" id

#define DESCRIBE_SERVICE(name) "\"services\":[\"" name "\"]"
#define DESCRIBE_DEFINITION(name) "{\"taskDefinition\":\"" name "\",\"include\""
#define DESCRIBE_DEPLOYMENT(id) "\"serviceDeploymentArns\":[\"" DEPLOYMENT(id) "\"]"
#define DESCRIBE_REVISION(id) "\"serviceRevisionArns\":[\"" REVISION(id) "\"]"
/* of ListServiceDeployments */
#define ROW(id, revision)                          \
	"{\"serviceDeploymentArn\":\"" DEPLOYMENT( \
		id) "\",\"targetServiceRevisionArn\":\"" REVISION(revision) "\"}"

#define LIST_DEPLOYMENTS "\"service\":\"web\",\"createdAt\""
#define LIST_ALL_DEPLOYMENTS "{\"cluster\":\"prod\",\"service\":\"web\"}"
#define REGISTER "{\"family\":"
#define UPDATE(name) "{\"cluster\":\"prod\",\"service\":\"" name "\","
#define CREATE "\"clientToken\":"
#define DELETE(name) "\"service\":\"" name "\",\"force\":true"
#define CONTINUE "\"hookId\":"
#define STOP "\"stopType\":"
#define STOPPED_TASKS "\"desiredStatus\":\"STOPPED\""

#define BALANCER(group, more)                                                                    \
	"\"loadBalancers\":[{\"targetGroupArn\":\"" GROUP(group) "\",\"containerName\":\"app\"," \
								 "\"containerPort\":80" more "}]"
#define ADVANCED                                                            \
	",\"advancedConfiguration\":{\"alternateTargetGroupArn\":\"" GROUP( \
		"green") "\",\"productionListenerRule\":\"" RULE            \
			 "\",\"roleArn\":\"arn:aws:iam::111122223333:role/ecs-elb\"}"
#define DEFINITION_JSON                                                                     \
	"{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"%s\"," \
	"\"portMappings\":[{\"containerPort\":80}]}],\"cpu\":\"256\"}"
#define PINNED_7 "repo@sha256:77"
#define PINNED_8 "repo@sha256:88"

/* A service with these members besides its names. */
static inline void service_is(struct world *w, const char *name, const char *more)
{
	route(w, "POST", arena_printf(w->f->arena, "\"services\":[\"%s\"]", name), 200,
	      arena_printf(w->f->arena,
			   "{\"services\":[{\"serviceArn\":\"" ECS
			   "service/prod/%s\",\"serviceName\":\"%s\",\"clusterArn\":\"" ECS
			   "cluster/prod\",%s}]}",
			   name, name, more));
}

static inline void service_is_missing(struct world *w, const char *name)
{
	route(w, "POST", arena_printf(w->f->arena, "\"services\":[\"%s\"]", name), 200,
	      "{\"services\":[],\"failures\":[{\"reason\":\"MISSING\"}]}");
}

/* "web:7" with this image, as ECS describes it; tags as JSON, or "". */
static inline const char *definition(struct world *w, const char *name, const char *image,
				     const char *tags)
{
	const char *colon = strchr(name, ':');

	return arena_printf(
		w->f->arena,
		"{\"taskDefinition\":{\"taskDefinitionArn\":\"" TD(
			"%s") "\",\"family\":\"%.*s\",\"revision\":%s,\"status\":\"ACTIVE\","
			      "\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"%s\","
			      "\"portMappings\":[{\"containerPort\":80,\"hostPort\":80,"
			      "\"protocol\":\"tcp\"}],\"essential\":true,\"cpu\":0,"
			      "\"environment\":[]}],\"cpu\":\"256\",\"volumes\":[],"
			      "\"registeredAt\":1.7e9},\"tags\":[%s]}",
		name, (int)(colon - name), name, colon + 1, image, tags);
}

static inline void definition_is(struct world *w, const char *asked, const char *name,
				 const char *image, const char *tags)
{
	route(w, "POST", arena_printf(w->f->arena, "{\"taskDefinition\":\"%s\",\"include\"", asked),
	      200, definition(w, name, image, tags));
}

static inline void definition_is_missing(struct world *w, const char *asked)
{
	route(w, "POST", arena_printf(w->f->arena, "{\"taskDefinition\":\"%s\",\"include\"", asked),
	      400,
	      "{\"__type\":\"ClientException\",\"message\":\"Unable to describe task "
	      "definition.\"}");
}

static inline void revision_is(struct world *w, const char *id, const char *name, const char *group)
{
	route(w, "POST",
	      arena_printf(w->f->arena, "\"serviceRevisionArns\":[\"" REVISION("%s") "\"]", id),
	      200,
	      arena_printf(w->f->arena,
			   "{\"serviceRevisions\":[{\"serviceRevisionArn\":\"" REVISION(
				   "%s") "\",\"taskDefinition\":\"" TD("%s") "\",%s}]}",
			   id, name,
			   group ? arena_printf(w->f->arena,
						"\"resolvedConfiguration\":{\"loadBalancers\":[{"
						"\"targetGroupArn\":\"" GROUP("%s") "\"}]}",
						group)
				 : "\"x\":0"));
}

/* members: "\"status\":\"IN_PROGRESS\"", ... */
static inline void deployment_is(struct world *w, const char *id, const char *members)
{
	route(w, "POST",
	      arena_printf(w->f->arena, "\"serviceDeploymentArns\":[\"" DEPLOYMENT("%s") "\"]", id),
	      200,
	      arena_printf(w->f->arena,
			   "{\"serviceDeployments\":[{\"serviceDeploymentArn\":\"" DEPLOYMENT(
				   "%s") "\",%s}]}",
			   id, members));
}

/* Writes that work: what they answer is not looked at. */
static inline void ecs_writes_work(struct world *w)
{
	static const char service[] =
		"{\"service\":{\"serviceArn\":\"a\",\"serviceName\":\"n\",\"status\":\"ACTIVE\"}}";

	route(w, "POST", CONTINUE, 200, "{}");
	route(w, "POST", STOP, 200, "{}");
	route(w, "POST", CREATE, 200, service);
	route(w, "POST", "\"force\":true", 200, service);
	route(w, "POST", ",\"taskDefinition\":\"web:8\"", 200, service);
	route(w, "POST", ",\"taskDefinition\":\"web:7\"", 200, service);
	route(w, "POST", "\"desiredCount\":", 200, service);
	route(w, "POST", "\"deploymentConfiguration\":", 200, service);
}

/* How many requests changed something in ECS. */
static inline size_t ecs_writes(const struct world *w)
{
	/* UpdateService, DeleteService, and the lists, which begin like them */
	size_t services = sent(w, "POST", "{\"cluster\":\"prod\",\"service\":") -
			  sent(w, "POST", "\"createdAt\":") - sent(w, "POST", "\"web\"}");

	return services + sent(w, "POST", CONTINUE) + sent(w, "POST", STOP) +
	       sent(w, "POST", REGISTER) + sent(w, "POST", CREATE);
}

/* --- the artifact ----------------------------------------------------------------------------- */

static inline int give_artifact(void *arg, const struct target_artifact **out, struct err *err)
{
	struct world *w = arg;

	if (w->artifact.dir_fd < 0)
		return err_set(err, ERR_NOT_FOUND, "the artifact is gone");
	*out = &w->artifact;
	return 0;
}

static inline void put_file(struct world *w, const char *name, const char *text)
{
	int fd = openat(w->artifact.dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = strlen(text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static inline void no_file(struct world *w, const char *name)
{
	unlinkat(w->artifact.dir_fd, name, 0);
}

static inline void put_definition(struct world *w, const char *image)
{
	put_file(w, "taskdef.json", arena_printf(w->f->arena, DEFINITION_JSON, image));
}

static inline int ecs_world_set_up(void **state)
{
	struct world *w;

	lb_world_set_up(state);
	w = *state;
	w->plan.target = (struct plan_target){
		.kind = TARGET_ECS,
		.lb = {.min_healthy = 1, .propagation_ms = 10000},
		.ecs = {.cluster = "prod", .service = "web", .failed_tasks = 3}};
	w->plan.n_steps = 1;
	w->plan.steps[0] = (struct plan_step){.segment = -1, .weight_bp = 500, .watch_ms = 600000};
	w->plan.unknown_hold_ms = 600000;
	w->state.started = w->f->now;
	strcpy(w->dir, "/tmp/test-ecs-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->artifact.dir_fd = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->artifact.dir_fd >= 0);
	w->artifact.key = "pipeline/build/abc.zip";
	w->env.artifact = give_artifact;
	w->env.artifact_arg = w;
	put_definition(w, PINNED_8);
	return 0;
}

static inline int ecs_world_tear_down(void **state)
{
	struct world *w = *state;
	int dir = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(remove_content(dir, &w->err), 0);
	assert_int_equal(rmdir(w->dir), 0);
	close(dir);
	if (w->artifact.dir_fd >= 0)
		close(w->artifact.dir_fd);
	return world_tear_down(state);
}

/* The undo record of a rule that forwarded so, and a candidate that is known so far. */
static inline void ecs_recorded(struct world *w, enum ecs_method method, const char *other_desired,
				const char *candidate)
{
	const char *two =
		method == ECS_NATIVE
			? ""
			: arena_printf(w->f->arena, "\"o\":\"web-twin\",\"k\":%s,", other_desired);

	str_copy(w->state.undo, sizeof(w->state.undo),
		 str_from(arena_printf(
			 w->f->arena,
			 "{\"t\":\"ecs\",\"m\":%d,\"c\":\"prod\",\"s\":\"web\",\"v\":\"web:7\","
			 "\"n\":4,%s\"lb\":{\"r\":\"" RULE "\",\"g\":[[\"targetgroup/blue/73e2\","
			 "100],[\"targetgroup/green/73e2\",0]],\"b\":0,\"c\":"
			 "\"targetgroup/green/73e2\"}}",
			 method, two)));
	str_copy(w->state.candidate, sizeof(w->state.candidate), str_from(candidate));
}

#endif
