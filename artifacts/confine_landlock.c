#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "artifacts/confine_parts.h"

/*
 * Landlock refuses what a ruleset handles and no rule allows. Every right that the kernel's ABI
 * knows is handled; the one rule allows what artifacts/writer does. Reading files is not among it:
 * the archive is open already.
 *
 * The numbers are those of <linux/landlock.h>, which distributions ship older than the kernels they
 * run: here they do not depend on it.
 */
#ifndef SYS_landlock_create_ruleset /* the same on every processor */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION (1u << 0)
#define RULE_PATH_BENEATH 1

/* LANDLOCK_ACCESS_FS_* */
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_DIR (1ull << 3)
#define FS_MAKE_DIR (1ull << 7)
#define FS_MAKE_REG (1ull << 8)

struct ruleset_attr { /* grows at its end: an older kernel takes zeros there */
	uint64_t handled_fs, handled_net, scoped;
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* What each ABI brought, as counts of bits from the lowest. */
static const struct abi {
	int files, network, scoped;
} ABIS[] = {
	{13, 0, 0}, /* 1, Linux 5.13 */
	{14, 0, 0}, /* 2, 5.19: REFER */
	{15, 0, 0}, /* 3, 6.2: TRUNCATE */
	{15, 2, 0}, /* 4, 6.7: TCP bind and connect */
	{16, 2, 0}, /* 5, 6.10: IOCTL_DEV */
	{16, 2, 2}, /* 6, 6.12: signals and abstract sockets of others */
};
#define N_ABIS ((int)(sizeof(ABIS) / sizeof(ABIS[0])))

static uint64_t lowest_bits(int n)
{
	return (1ull << n) - 1;
}

struct landlock_rights landlock_rights_of(int abi)
{
	const struct abi *a;

	if (abi < 1)
		return (struct landlock_rights){0};
	a = &ABIS[(abi < N_ABIS ? abi : N_ABIS) - 1]; /* later ones know all that these do */
	return (struct landlock_rights){
		.files = lowest_bits(a->files),
		.network = lowest_bits(a->network),
		.scoped = lowest_bits(a->scoped),
		.beneath = FS_WRITE_FILE | FS_READ_DIR | FS_MAKE_DIR | FS_MAKE_REG,
	};
}

static int restrict_self(int dir_fd, const struct landlock_rights *r)
{
	struct ruleset_attr attr = {r->files, r->network, r->scoped};
	struct path_beneath_attr beneath = {r->beneath, dir_fd};
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	int rc = -1, saved;

	if (fd < 0)
		return -1;
	if (!syscall(SYS_landlock_add_rule, fd, RULE_PATH_BENEATH, &beneath, 0) &&
	    !syscall(SYS_landlock_restrict_self, fd, 0))
		rc = 0;
	saved = errno;
	close(fd);
	errno = saved;
	return rc;
}

int confine_landlock(int dir_fd, int abi_max)
{
	struct landlock_rights rights;
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	if (abi_max && abi > abi_max)
		abi = abi_max;
	if (abi < 1)
		return -1;
	rights = landlock_rights_of(abi);
	return restrict_self(dir_fd, &rights) ? -1 : abi;
}
